/**
 * What only some servers send: clusters, KeyDB, values that are kept as they came.
 *
 * @module
 */

import { cluster } from "./imports.ts";
import { impossible, itself, nothing, type Rule } from "./rule.ts";

const OPAQUE = impossible("the value is kept as it came in a snapshot");
const SUBKEY = impossible("the value is not one that is kept apart");

/** Rules by the command's name. */
export const SPECIAL: Readonly<Record<string, Rule>> = {
  cluster: itself(cluster),
  vadd: OPAQUE,
  vrem: OPAQUE,
  vsetattr: OPAQUE,
  gcra: OPAQUE,
  gcrasetvalue: OPAQUE,
  // Expiries of members are not kept: the members go when the master says so.
  expiremember: nothing,
  expirememberat: nothing,
  pexpirememberat: nothing,
  "keydb.cron": OPAQUE,
  "keydb.hrename": SUBKEY,
  "keydb.nhset": OPAQUE,
  "keydb.mvccrestore": SUBKEY,
  rreplay: { by: "wrapped" },
};
