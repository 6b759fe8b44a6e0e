import assert from "node:assert/strict";
import type { Outcome } from "../../../src/mirror/commands/context.ts";
import { fromLatin1, latin1 } from "../../support/bytes.ts";
import type { MirrorState } from "../../support/mirror_state.ts";
import type { Arg } from "../../support/resp_encoder.ts";
import type { TruthKey } from "../../support/truth.ts";

/** Applies one command of database 0: a line of words, or a list where an argument is no word. */
export function send(state: MirrorState, command: string | readonly Arg[], db = 0): Outcome {
  const words = typeof command === "string" ? command.split(" ") : command;
  const [name, ...args] = words.map((word) => {
    return word instanceof Uint8Array ? word : fromLatin1(String(word));
  });
  return state.apply({ name: latin1(name).toLowerCase(), args, db });
}

/** Applies commands that have nothing to report. */
export function play(state: MirrorState, ...commands: (string | readonly Arg[])[]): void {
  for (const command of commands) assert.equal(send(state, command), undefined, String(command));
}

/** A key in the corpus' schema. */
export function keyOf(state: MirrorState, key: string, db = 0): TruthKey | undefined {
  return state.truth().databases[db]?.keys.find((one) => one.key === key);
}

/** Its value. */
export function valueOf(state: MirrorState, key: string, db = 0): unknown {
  return keyOf(state, key, db)?.value;
}

/** A stream's value as far as the tests look at it. */
export interface StreamShape {
  readonly entries: readonly (readonly [string, unknown])[];
  readonly lastId: string;
  readonly maxDeletedId: string;
  readonly entriesAdded: number;
  readonly groups: readonly {
    readonly name: string;
    readonly lastDeliveredId: string;
    readonly entriesRead: number | null;
    readonly pending: readonly {
      readonly id: string;
      readonly consumer: string;
      readonly deliveryTimeMs: number;
      readonly deliveryCount: number | string;
    }[];
    readonly consumers: readonly { readonly name: string; readonly pending: readonly string[] }[];
  }[];
  readonly idmp: Readonly<Record<string, number>>;
}

/** The stream at a key. */
export function streamOf(state: MirrorState, key: string): StreamShape {
  const value = valueOf(state, key);
  assert.ok(isStream(value), `${key} holds no stream`);
  return value;
}

function isStream(value: unknown): value is StreamShape {
  return typeof value === "object" && value !== null && "entries" in value && "idmp" in value;
}

/** Ids of a stream's entries. */
export function idsOf(state: MirrorState, key: string): string[] {
  return streamOf(state, key).entries.map(([id]) => id);
}
