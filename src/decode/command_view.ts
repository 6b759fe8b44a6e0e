/**
 * A command of the stream.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import { keyPositions } from "../commands.ts";
import type { CmdEvent, PlainEvent, Transaction } from "../events.ts";
import type { SafePoint } from "./batch.ts";
import { u64 } from "./numbers.ts";
import { View } from "./view.ts";

/** Command names by their spelling: masters pass on what clients typed. */
const names: Map<string, string> = new Map();
const MAX_NAMES = 4096;

function lowerCase(name: string): string {
  let lower = names.get(name);
  if (lower === undefined) {
    // Copies of their own: the text they come from keeps a whole batch alive.
    lower = flat(name.toLowerCase());
    if (names.size < MAX_NAMES) names.set(flat(name), lower);
  }
  return lower;
}

function flat(text: string): string {
  return JSON.parse(JSON.stringify(text));
}

/** A command of the stream. */
export class CommandView extends View implements CmdEvent {
  declare private argsKept?: readonly string[];
  declare private argsBytesKept?: readonly Uint8Array[];

  get type(): "cmd" {
    return "cmd";
  }

  get db(): number {
    return this.word(abi.CMD_DB);
  }

  get name(): string {
    return lowerCase(this.batch.textAt(this.at + abi.CMD_ARGS));
  }

  /** Number of arguments behind the name. */
  private get argc(): number {
    return this.word(abi.CMD_ARGC) - 1;
  }

  private argumentWord(argument: number): number {
    return this.at + abi.CMD_ARGS + 2 + 2 * argument;
  }

  get args(): readonly string[] {
    if (this.argsKept === undefined) {
      const args: string[] = [];
      const n = this.argc;
      for (let i = 0; i < n; i++) args.push(this.batch.textAt(this.argumentWord(i)));
      this.argsKept = args;
    }
    return this.argsKept;
  }

  get argsBytes(): readonly Uint8Array[] {
    if (this.argsBytesKept === undefined) {
      const args: Uint8Array[] = [];
      const n = this.argc;
      for (let i = 0; i < n; i++) args.push(this.batch.bytesAt(this.argumentWord(i)));
      this.argsBytesKept = args;
    }
    return this.argsBytesKept;
  }

  private keyPositions(): readonly number[] | undefined {
    return keyPositions(this.name, this.argc, (i) => this.batch.textAt(this.argumentWord(i)));
  }

  get keys(): readonly string[] | undefined {
    return this.keyPositions()?.map((i) => this.batch.textAt(this.argumentWord(i)));
  }

  get keysBytes(): readonly Uint8Array[] | undefined {
    return this.keyPositions()?.map((i) => this.batch.bytesAt(this.argumentWord(i)));
  }

  get offset(): number {
    return this.batch.offset + this.word(abi.CMD_END);
  }

  /** Where a resumed stream goes on once the command has been handled. */
  get safe(): SafePoint {
    const point = {
      offset: u64(this.batch.tape, this.at + abi.CMD_SAFE),
      db: this.word(abi.CMD_SAFE_DB),
    };
    const open = this.flags & (abi.TRANSACTION_PIECE | abi.TRANSACTION_LAST);
    return open === abi.TRANSACTION_PIECE ? { ...point, within: this.offset } : point;
  }

  private get flags(): number {
    return (this.word(0) >> 8) & 0xff;
  }

  get transaction(): Transaction | undefined {
    const { flags } = this;
    if ((flags & abi.TRANSACTION) === 0) return undefined;
    const transaction = {
      id: this.word(abi.CMD_TRANSACTION),
      first: (flags & abi.TRANSACTION_FIRST) !== 0,
      last: (flags & abi.TRANSACTION_LAST) !== 0,
    };
    return (flags & abi.TRANSACTION_PIECE) === 0 ? transaction : { ...transaction, inPieces: true };
  }

  toJSON(): PlainEvent {
    const { type, db, name, args, keys, offset, transaction } = this;
    const plain: PlainEvent & Record<string, unknown> = { type, db, name, args };
    if (keys !== undefined) plain.keys = keys;
    plain.offset = offset;
    if (transaction !== undefined) plain.transaction = transaction;
    return plain;
  }

  detach(): CommandView {
    return new CommandView(this.batch.detached(this.at), 0);
  }
}
