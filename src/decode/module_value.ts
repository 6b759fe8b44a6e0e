/**
 * What a module saved, read off the tape.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import type { ModuleValue } from "../events.ts";
import type { TapeBatch } from "./batch.ts";
import { bigU64, f32, f64, plainNumber } from "./numbers.ts";
import { toText } from "./text.ts";

/** The module value whose head (name, version, raw bytes, number of fields) starts at `word`. */
export function moduleValue(batch: TapeBatch, word: number): ModuleValue {
  const { tape } = batch;
  const fields: ModuleValue["fields"] = [];
  const n = tape[word + 5];
  for (let i = 0, at = word + abi.MODULE_FIELDS; i < n; i++, at += 3) {
    switch (tape[at]) {
      case abi.MODULE_SINT:
        fields.push(BigInt.asIntN(64, bigU64(tape, at + 1)));
        break;
      case abi.MODULE_UINT:
        fields.push(bigU64(tape, at + 1));
        break;
      case abi.MODULE_FLOAT:
        fields.push(f32(tape, at + 1));
        break;
      case abi.MODULE_DOUBLE:
        fields.push(f64(tape, at + 1));
        break;
      default:
        fields.push(batch.bytesAt(at + 1));
    }
  }
  return { name: batch.textAt(word), version: tape[word + 2], fields };
}

/** The plain form: strings as `{ bytes: text }`, so that they differ from numbers that stayed text. */
export function plainModule(value: ModuleValue): unknown {
  const fields = value.fields.map((field) =>
    field instanceof Uint8Array ? { bytes: toText(field) } : plainNumber(field)
  );
  return { name: value.name, version: value.version, fields };
}
