/**
 * Commands under other names (`rename-command` of the server).
 *
 * @module
 */

import { NsyncError } from "./errors.ts";
import { checkOptionNames } from "./option_names.ts";

/** The names under which the server knows the commands that a replica needs. */
export interface CommandNames {
  /** Default `PING`. */
  readonly ping?: string;
  /** Default `AUTH`. */
  readonly auth?: string;
  /** Default `REPLCONF`. */
  readonly replconf?: string;
  /** Default `PSYNC`. */
  readonly psync?: string;
}

/** What servers call them by themselves. */
export const COMMAND_NAMES: Required<CommandNames> = {
  ping: "PING",
  auth: "AUTH",
  replconf: "REPLCONF",
  psync: "PSYNC",
};

/** The option `commandNames`, checked and with the defaults. */
export function checkedCommandNames(names: CommandNames = {}): Required<CommandNames> {
  if (typeof names !== "object" || names === null) {
    throw new NsyncError("OPTION", "commandNames must be an object.");
  }
  checkOptionNames("commandNames", names, Object.keys(COMMAND_NAMES));
  for (const [command, name] of Object.entries(names)) {
    if (name !== undefined && (typeof name !== "string" || name === "")) {
      throw new NsyncError("OPTION", `commandNames: ${command} must be the command's new name.`);
    }
  }
  const { ping, auth, replconf, psync } = names;
  return {
    ping: ping ?? COMMAND_NAMES.ping,
    auth: auth ?? COMMAND_NAMES.auth,
    replconf: replconf ?? COMMAND_NAMES.replconf,
    psync: psync ?? COMMAND_NAMES.psync,
  };
}
