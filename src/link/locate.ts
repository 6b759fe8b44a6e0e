/**
 * From what the options say to the servers that an attempt tries.
 *
 * @module
 */

import type { Endpoint } from "../endpoint.ts";
import type { NsyncError } from "../errors.ts";
import type { Settings } from "../options.ts";
import type { Address } from "../transport/transport.ts";
import type { Where } from "../where_options.ts";
import { LocatorBySentinels } from "./locate_by_sentinels.ts";
import { noneWillDo } from "./none_will_do.ts";
import { rolesOf, type ServerRole } from "./role.ts";

/** A server to try. */
export interface Candidate {
  readonly endpoint: Endpoint;
  /** What it has to be, by its own word; anything by default. */
  readonly role: ServerRole | undefined;
}

/** Finds the servers. */
export interface Locator {
  /** The server that is tried first, as far as that is known before anybody was asked. */
  readonly first: Address | undefined;
  /** Those that one attempt tries, one after the other, the last of which is in use when it succeeds. */
  candidates(signal: AbortSignal): AsyncIterable<Candidate>;
  /** What it means that none of those candidates granted a synchronization. */
  failed(failures: readonly NsyncError[]): NsyncError;
  /** Resolves when nothing is left open. */
  close(): Promise<void>;
}

/** What a locator tells of by itself. */
export interface LocatorEvents {
  /** The server in use is to be left for another one, for that reason. */
  moved(reason: NsyncError): void;
  /** Something to know of that does not keep it from finding servers. */
  report(error: NsyncError): void;
}

/** The locator that the options ask for. */
export function locatorOf({ where, connectTimeout }: Settings, events: LocatorEvents): Locator {
  return where.kind === "hosts"
    ? new LocatorByHosts(where)
    : new LocatorBySentinels(where, connectTimeout, events);
}

/** Tries the same servers each time. Their names are resolved by the connection, anew each time. */
class LocatorByHosts implements Locator {
  readonly #where: Extract<Where, { readonly kind: "hosts" }>;

  constructor(where: Extract<Where, { readonly kind: "hosts" }>) {
    this.#where = where;
  }

  get first(): Address {
    return this.#where.hosts[0].address;
  }

  async *candidates(): AsyncIterable<Candidate> {
    const { hosts, role } = this.#where;
    for (const must of role === undefined ? [undefined] : rolesOf(role)) {
      for (const endpoint of hosts) yield { endpoint, role: must };
    }
  }

  failed(failures: readonly NsyncError[]): NsyncError {
    if (failures.length === 1) return failures[0];
    return noneWillDo("None of the hosts will do", failures);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
