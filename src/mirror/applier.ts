/**
 * Applies commands to a state, and tells the recorder.
 *
 * @module
 */

import type { CmdEvent } from "../events.ts";
import { apply } from "./commands/apply.ts";
import type {
  Change,
  Command,
  Context,
  Library,
  Outcome,
  Server,
  Slots,
} from "./commands/context.ts";
import type { Recorder } from "./recorder.ts";
import { copiedKeys, type State } from "./state.ts";
import type { Keyspace } from "./values.ts";

/** What the commands of one stream are applied to. */
export class Applier implements Context {
  /** When the commands at hand arrived, in milliseconds since 1970. */
  now = 0;
  /** The data set. */
  state: State;
  /** Two databases have changed their numbers, of which keys were kept out. */
  swapped = false;
  /** Gets the changes; `undefined` while nobody can see the state. */
  recorder: Recorder | undefined;
  readonly #command: { -readonly [Member in keyof Command]: Command[Member] } = {
    name: "",
    args: [],
    db: 0,
  };

  /** Applies to that state. */
  constructor(state: State, recorder: Recorder | undefined) {
    this.state = state;
    this.recorder = recorder;
  }

  /** Applies a command. */
  command({ name, argsBytes, db }: CmdEvent): Outcome {
    const command = this.#command;
    command.name = name;
    command.args = argsBytes;
    command.db = db;
    return apply(command, this);
  }

  get server(): Server {
    return this.state.server;
  }

  get functions(): Map<string, Library> {
    return this.state.functions;
  }

  keyspace(db: number, key: Uint8Array): Keyspace | undefined {
    return this.state.keyspace(db, key);
  }

  unknown(db: number, key: Uint8Array): boolean {
    return this.state.unknown.has(db, key);
  }

  known(db: number, key: Uint8Array): void {
    this.state.unknown.delete(db, key);
  }

  touch(keyspace: Keyspace, _db: number, key: Uint8Array, change: Change): void {
    if (this.recorder?.active !== true) return;
    const space = this.state.placeOf(keyspace);
    if (space === undefined) return;
    if (this.state.isImporting(key)) this.recorder.pass();
    else this.recorder.touch(space, key, change);
  }

  fields(args: readonly Uint8Array[], first: number, end: number, step: number): void {
    if (this.recorder?.active === true) this.recorder.fields(args, first, end, step);
  }

  flush(db?: number): void {
    if (this.recorder?.active === true) this.recorder.flush(db);
    this.state.flush(db);
  }

  swap(a: number, b: number): void {
    if (a === b) return;
    if (!this.state.swap(a, b)) this.swapped = true;
    const { state, recorder } = this;
    if (recorder?.active !== true) return;
    for (const db of [a, b]) {
      recorder.flush(db);
      for (const space of state.ofDatabase(db)) {
        for (const key of copiedKeys(space.keyspace)) {
          if (!state.hides(db, key)) recorder.appear(space, key);
        }
      }
    }
  }

  beginImport(job: string, slots: readonly Slots[]): void {
    const { state, recorder } = this;
    if (recorder?.active === true) {
      for (const [space, key] of state.inSlots(slots)) {
        if (!state.hides(space.db, key)) recorder.vanish(space, key);
      }
    }
    state.imports.set(job, slots);
  }

  endImport(job: string): void {
    const { state, recorder } = this;
    const slots = state.imports.get(job);
    state.imports.delete(job);
    if (slots === undefined || recorder?.active !== true) return;
    for (const [space, key] of state.inSlots(slots)) {
      if (!state.hides(space.db, key)) recorder.appear(space, key);
    }
  }

  dropSlots(slots: readonly Slots[]): void {
    for (const [{ db, keyspace }, key] of this.state.inSlots(slots)) {
      this.touch(keyspace, db, key, "value");
      keyspace.delete(key);
    }
    this.state.unknown.dropSlots(slots);
  }
}
