/**
 * What bounds the decoder's memory.
 *
 * @module
 */

import { NsyncError } from "../errors.ts";

/** What bounds the decoder's memory, all in bytes. */
export interface Limits {
  /** Longest single string, container blob or command argument; a longer one is a `LIMIT` error. */
  readonly maxBlobBytes: number;
  /** Longest string value that is delivered whole; a longer one arrives in slices. */
  readonly maxStringBytes: number;
  /** Longest transaction that is held until its EXEC; a longer one is delivered in pieces. */
  readonly maxTransactionBytes: number;
}

const MIB = 1 << 20;
/** What linear memory, 4 GiB, has room for beside everything else. */
const MOST = 1024 * MIB;

/** The defaults: 512 MiB (the servers' own), 16 MiB, 64 MiB. */
export const DEFAULT_LIMITS: Limits = {
  maxBlobBytes: 512 * MIB,
  maxStringBytes: 16 * MIB,
  maxTransactionBytes: 64 * MIB,
};

/** The limits among some options, with defaults for the others. */
export function limitsOf(options: Partial<Limits>): Limits {
  const limits = {
    maxBlobBytes: options.maxBlobBytes ?? DEFAULT_LIMITS.maxBlobBytes,
    maxStringBytes: options.maxStringBytes ?? DEFAULT_LIMITS.maxStringBytes,
    maxTransactionBytes: options.maxTransactionBytes ?? DEFAULT_LIMITS.maxTransactionBytes,
  };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isInteger(value) || value < 1 || value > MOST) {
      throw new NsyncError("OPTION", `${name} must be an integer from 1 to ${MOST} (1 GiB).`);
    }
  }
  // A string that may not be whole in memory can still arrive in slices.
  return { ...limits, maxStringBytes: Math.min(limits.maxStringBytes, limits.maxBlobBytes) };
}
