/**
 * Commands of places.
 *
 * @module
 */

import { valueFor } from "./handles.ts";
import { change, itself, Misfit, type Rule, unhandledIfKept } from "./rule.ts";
import { score } from "./score.ts";
import { needed, word } from "./words.ts";
import { add, noFlags, takeFlag } from "./zsets.ts";

const LATITUDE = 85.05112878;
const LONGITUDE = 180;
/** Bits of the score for each direction. */
const STEPS = 26;

/** A place as the score of its member: bits of latitude and longitude in turn. */
export function placeScore(longitude: number, latitude: number): number {
  if (!(Math.abs(longitude) <= LONGITUDE && Math.abs(latitude) <= LATITUDE)) {
    throw new Misfit("its place is not on the map");
  }
  const x = step(longitude, LONGITUDE);
  const y = step(latitude, LATITUDE);
  let high = 0;
  // At the very edge there is one step more.
  for (let bit = STEPS; bit >= 0; bit--) {
    high = high * 4 + (x >>> bit & 1) * 2 + (y >>> bit & 1);
  }
  return high;
}

function step(degrees: number, limit: number): number {
  return Math.trunc((degrees + limit) / (limit + limit) * 2 ** STEPS) >>> 0;
}

/** `GEOADD key [NX|XX] [CH] longitude latitude member...`, which most servers send as ZADD. */
const geoadd = change((space, key, args, context) => {
  const flags = noFlags();
  let first = 1;
  while (first < args.length && args[first][0] >= 0x41 && takeFlag(flags, word(args[first]))) {
    first++;
  }
  context.fields(args, first + 2, args.length, 3);
  const places: [Uint8Array, number][] = [];
  for (let i = first; i + 2 < args.length; i += 3) {
    places.push([args[i + 2], placeScore(score(args[i]), score(args[i + 1]))]);
  }
  if (places.length === 0) throw new Misfit("it has no places");
  const set = valueFor(space, key, "zset");
  for (const [member, place] of places) add(set, member, place, flags);
  if (set.size === 0) space.delete(key);
});

/** Which places are near depends on the last digit of the server's sines. */
const REASON = "the last digits of distances differ between machines";

const radius: Rule = itself(({ args, db }, context) => {
  const stored: Uint8Array[] = [];
  for (let i = 4; i + 1 < args.length; i++) {
    const option = word(args[i]);
    if (option === "STORE" || option === "STOREDIST") stored[0] = args[++i];
    else if (option === "COUNT") i++;
  }
  return unhandledIfKept(REASON, db, stored, context);
});

/** Rules by the command's name. */
export const GEO: Readonly<Record<string, Rule>> = {
  geoadd,
  geosearchstore: itself(({ args, db }, context) => {
    return unhandledIfKept(REASON, db, [needed(args, 0)], context);
  }),
  georadius: radius,
  georadiusbymember: radius,
};
