/**
 * The text that a server makes of a double in an array.
 *
 * @module
 */

/** The shortest text that reads back as the same double. */
export function doubleText(n: number): string {
  if (!Number.isFinite(n)) return Number.isNaN(n) ? "nan" : n > 0 ? "inf" : "-inf";
  if (Object.is(n, -0)) return "-0.0";
  const text = String(n);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
