import { NsyncError, type NsyncErrorCode } from "../../mod.ts";

/** Tells errors of that code. */
export function isCode(code: NsyncErrorCode): (error: unknown) => boolean {
  return (error) => NsyncError.is(error) && error.code === code;
}
