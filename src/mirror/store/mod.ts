/**
 * The mirror's memory.
 *
 * @module
 */

import type { Keyspace } from "../values.ts";
import { PackedKeyspace } from "./keyspace.ts";

/** An empty keyspace. */
export function newKeyspace(): Keyspace {
  return new PackedKeyspace();
}
