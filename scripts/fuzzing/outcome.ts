import { NsyncError } from "../../src/errors.ts";
import type { NsyncEvent } from "../../src/events.ts";

/** What decoding an input came to. */
export interface Outcome {
  /** The plain form of each event, as JSON. */
  readonly events: readonly string[];
  /** What ended it; nothing when the input was read to its end. */
  readonly error?: NsyncError;
  /** Offset behind what was decoded. */
  readonly end: number;
  /** A remark says that something stands behind the end. */
  readonly strays?: boolean;
}

/** Something that must not happen. */
export class Violation extends Error {}

const getters: Map<object, readonly string[]> = new Map();

/** The names of all getters of an event's class. */
function gettersOf(event: object): readonly string[] {
  const prototype = Object.getPrototypeOf(event);
  const known = getters.get(prototype);
  if (known !== undefined) return known;
  const names = new Set<string>();
  for (let at = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (get !== undefined && name !== "__proto__") names.add(name);
    }
  }
  getters.set(prototype, [...names]);
  return [...names];
}

/** Asks an event for all that it has; answers its plain form. */
export function touch(event: NsyncEvent): string {
  const plain = JSON.stringify(event);
  for (const name of gettersOf(event)) {
    try {
      Reflect.get(event, name);
    } catch (error) {
      const isSlice = event.type === "load" && event.part !== undefined && name === "value";
      if (!isSlice || !NsyncError.is(error) || error.code !== "OPTION") throw error;
    }
  }
  const detached = JSON.stringify(event.detach());
  if (detached !== plain) throw new Violation(`detach() gives ${detached} for ${plain}`);
  return plain;
}
