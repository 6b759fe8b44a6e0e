/**
 * The mirror's memory.
 *
 * @module
 */

import type { Keyspace } from "../values.ts";
import { PlainKeyspace } from "./plain.ts";

/** An empty keyspace. */
export function newKeyspace(): Keyspace {
  return new PlainKeyspace();
}
