/**
 * All commands that write, with what is done about each.
 *
 * @module
 */

import { ARRAYS } from "./arrays.ts";
import { BITS } from "./bits.ts";
import { DATABASES } from "./databases.ts";
import { GEO } from "./geo.ts";
import { HASHES } from "./hashes.ts";
import { HYPERLOGLOGS } from "./hyperloglogs.ts";
import { KEYS } from "./keys.ts";
import { LISTS } from "./lists.ts";
import type { Rule } from "./rule.ts";
import { SETS } from "./sets.ts";
import { SORT } from "./sort.ts";
import { SPECIAL } from "./special.ts";
import { STREAM_GROUPS } from "./stream_groups.ts";
import { STREAMS } from "./streams.ts";
import { STRINGS } from "./strings.ts";
import { ZSET_STORES } from "./zset_stores.ts";
import { ZSETS } from "./zsets.ts";

const ALL: readonly Readonly<Record<string, Rule>>[] = [
  STRINGS,
  BITS,
  HYPERLOGLOGS,
  LISTS,
  SETS,
  HASHES,
  ZSETS,
  ZSET_STORES,
  GEO,
  SORT,
  STREAMS,
  STREAM_GROUPS,
  ARRAYS,
  KEYS,
  DATABASES,
  SPECIAL,
];

/** The rule of each command by its name in lower case. */
export const COMMANDS: ReadonlyMap<string, Rule> = new Map(ALL.flatMap(Object.entries<Rule>));
