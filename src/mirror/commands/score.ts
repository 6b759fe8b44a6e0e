/**
 * Scores as they stand in commands: what C's `strtod` reads.
 *
 * @module
 */

import { latin1 } from "../../decode/text.ts";
import { Misfit } from "./rule.ts";
import { smallInteger } from "./words.ts";

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const HEX = /^([+-]?)0x(?=\.?[\da-f])([\da-f]*)\.?([\da-f]*)(?:p([+-]?\d+))?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** The number that an argument stands for; throws a {@linkcode Misfit} for none and for NaN. */
export function score(arg: Uint8Array | undefined): number {
  const small = smallInteger(arg);
  if (small !== undefined) return small;
  const text = arg === undefined ? "" : latin1(arg).trimStart();
  if (DECIMAL.test(text)) return Number(text);
  const infinite = INFINITE.exec(text);
  if (infinite !== null) return infinite[1] === "-" ? -Infinity : Infinity;
  const hex = HEX.exec(text);
  if (hex === null) throw new Misfit(`${JSON.stringify(text.slice(0, 40))} is not a number`);
  const [, sign, whole, fraction, power = "0"] = hex;
  const size = scaled(BigInt(`0x${whole}${fraction}`), Number(power) - 4 * fraction.length);
  return sign === "-" ? -size : size;
}

/** `digits` times a power of two, rounded once. */
function scaled(digits: bigint, power: number): number {
  if (digits === 0n) return 0;
  const top = digits.toString(2).length + power;
  if (top > 1024) return Infinity;
  // The last bit that a double of this size has.
  const last = Math.max(top - 53, -1074);
  const shift = last - power;
  if (shift <= 0) return Number(digits) * exactPower(power);
  if (shift > digits.toString(2).length + 1) return 0;
  const step = 1n << BigInt(shift);
  const rest = digits % step;
  let kept = digits / step;
  if (rest * 2n > step || (rest * 2n === step && (kept & 1n) === 1n)) kept++;
  return Number(kept) * exactPower(last);
}

/** Two to a power, as two factors' product where one would not do. */
function exactPower(power: number): number {
  return power < -1022 ? 2 ** -1022 * 2 ** (power + 1022) : 2 ** power;
}
