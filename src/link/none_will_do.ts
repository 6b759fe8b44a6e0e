/**
 * One error for many.
 *
 * @module
 */

import { NsyncError } from "../errors.ts";

/** Most that are told of. */
const MOST_TOLD = 5;

/** The error when none of several servers will do: as hopeful as the most hopeful of theirs. */
export function noneWillDo(what: string, failures: readonly NsyncError[]): NsyncError {
  const [{ code, cause, retriable }] = [...failures].sort((a, b) => hope(b) - hope(a));
  const told = [...new Set(failures.map(({ message }) => message.replace(/\.$/, "")))];
  const more = told.length > MOST_TOLD ? `; and ${told.length - MOST_TOLD} more` : "";
  const message = `${what}: ${told.slice(0, MOST_TOLD).join("; ")}${more}`;
  // A message that ends with a question needs no full stop.
  return new NsyncError(code, message.replace(/[^?]$/, "$&."), { cause, retriable });
}

function hope({ code, retriable, cause }: NsyncError): number {
  if (!retriable) return 0;
  const patience = code === "LOADING" || code === "NOMASTERLINK" || code === "ROLE";
  return patience || cause === undefined ? 2 : 1;
}
