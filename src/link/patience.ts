/**
 * Whether a first attempt may be followed by another.
 *
 * @module
 */

import type { NsyncError } from "../errors.ts";
import type { Where } from "../where_options.ts";
import { isUnreachable } from "./connect.ts";

/**
 * Does the error ask for patience? Any other first failure says that something is set up wrongly. That
 * a server is not what Sentinels say means that they are at work.
 */
export function asksForPatience(error: NsyncError, where: Where): boolean {
  switch (error.code) {
    case "LOADING":
    case "NOMASTERLINK":
      return true;
    case "CONNECT":
      return !isUnreachable(error);
    case "ROLE":
      return where.kind === "sentinels";
    default:
      return false;
  }
}
