/**
 * Decoders for the values of modules, as an option.
 *
 * @module
 */

import { NsyncError } from "./errors.ts";
import type { ModuleDecoders } from "./values.ts";

/** The decoders. Throws an `OPTION` error unless they are functions by name. */
export function checkedModules(modules: ModuleDecoders | undefined): ModuleDecoders | undefined {
  if (modules !== undefined && (typeof modules !== "object" || modules === null)) {
    throw new NsyncError("OPTION", "modules must be an object of decoders by name.");
  }
  for (const [name, decoder] of Object.entries(modules ?? {})) {
    if (typeof decoder !== "function") {
      throw new NsyncError("OPTION", `modules[${JSON.stringify(name)}] must be a function.`);
    }
  }
  return modules;
}
