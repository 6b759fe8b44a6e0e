/**
 * All commands that write, with what is done about each.
 *
 * @module
 */

import type { Rule } from "./rule.ts";
import { STRINGS } from "./strings.ts";

/** The rule of each command by its name in lower case. */
export const COMMANDS: ReadonlyMap<string, Rule> = new Map(
  [STRINGS].flatMap((rules) => Object.entries(rules)),
);
