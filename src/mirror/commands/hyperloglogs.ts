/**
 * Commands of HyperLogLogs.
 *
 * @module
 */

import type { Keyspace } from "../values.ts";
import type { Command, Context, Outcome } from "./context.ts";
import { valueOf } from "./handles.ts";
import {
  denseRegister,
  encoded,
  isDense,
  raiseTo,
  registerOf,
  REGISTERS,
  setDenseRegister,
  STALE,
  STALE_AT,
} from "./hyperloglog.ts";
import { change, itself, type Rule } from "./rule.ts";
import { kept, store } from "./stores.ts";
import { needed } from "./words.ts";

const raise = { index: 0, value: 0 };

function pfadd(space: Keyspace, key: Uint8Array, args: readonly Uint8Array[]): void {
  const string = valueOf(space, key, "string");
  if (string !== undefined && isDense(string.bytes)) return addDense(string, args);
  const registers = new Uint8Array(REGISTERS);
  if (string !== undefined) raiseTo(registers, string.bytes);
  for (let i = 1; i < args.length; i++) {
    registerOf(args[i], raise);
    if (raise.value > registers[raise.index]) registers[raise.index] = raise.value;
  }
  space.setString(key, encoded(registers, false), space.expireAt(key));
}

/** Writes only what changes of a long string. */
function addDense(
  string: { readonly bytes: Uint8Array; write(at: number, bytes: Uint8Array): void },
  args: readonly Uint8Array[],
): void {
  let changed = false;
  for (let i = 1; i < args.length; i++) {
    registerOf(args[i], raise);
    const { bytes } = string;
    if (raise.value <= denseRegister(bytes, raise.index)) continue;
    const group = Math.floor(raise.index / 4);
    // Four registers take three bytes.
    const first = 16 + group * 3;
    const piece = new Uint8Array(16 + 3);
    piece.set(bytes.subarray(first, first + 3), 16);
    setDenseRegister(piece, raise.index - group * 4, raise.value);
    string.write(first, piece.subarray(16));
    changed = true;
  }
  if (changed) string.write(STALE_AT, Uint8Array.of(string.bytes[STALE_AT] | STALE));
}

/** `PFMERGE target source...`: the target is one of those that are merged. */
function pfmerge({ args, db }: Command, context: Context): Outcome {
  const target = needed(args, 0);
  return store(context, db, target, args, (space) => {
    const registers = new Uint8Array(REGISTERS);
    let dense = false;
    for (const key of args) {
      const value = valueOf(kept(context, db, key), key, "string");
      if (value === undefined) continue;
      dense = isDense(value.bytes) || dense;
      raiseTo(registers, value.bytes);
    }
    space.setString(target, encoded(registers, dense), space.expireAt(target));
  });
}

/** Rules by the command's name. */
export const HYPERLOGLOGS: Readonly<Record<string, Rule>> = {
  pfadd: change(pfadd),
  pfmerge: itself(pfmerge),
};
