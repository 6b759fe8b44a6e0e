/**
 * Values that no command looks into.
 *
 * @module
 */

import type { OpaqueValue } from "../values.ts";
import { Account, BUFFER_OVERHEAD, OBJECT_OVERHEAD } from "./account.ts";

/** A value as it stood in the snapshot. */
export class OpaqueObject implements OpaqueValue {
  readonly kind: OpaqueValue["kind"];
  readonly rdbType: number;
  readonly bytes: Uint8Array;
  /** What it holds. */
  readonly account: Account;

  /** Copies a value. */
  constructor(account: Account, { kind, rdbType, bytes }: OpaqueValue) {
    this.kind = kind;
    this.rdbType = rdbType;
    this.bytes = bytes.slice();
    this.account = new Account(account);
    this.account.add(bytes.length + BUFFER_OVERHEAD + OBJECT_OVERHEAD);
  }
}
