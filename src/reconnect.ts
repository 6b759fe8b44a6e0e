/**
 * When to try again.
 *
 * @module
 */

import { NsyncError } from "./errors.ts";
import { checkOptionNames } from "./option_names.ts";

/** How the pauses between attempts grow. */
export interface ReconnectOptions {
  /** The first pause, in milliseconds; default 250. */
  readonly min?: number;
  /** The longest pause, in milliseconds; default 10,000. */
  readonly max?: number;
  /** Each pause is so many times as long as the one before; default 2. */
  readonly factor?: number;
  /** By what part of it a pause is longer or shorter at random, from 0 to 1; default 0.5. */
  readonly jitter?: number;
  /** Most attempts in a row that may fail before the link ends with the error; default `Infinity`. */
  readonly attempts?: number;
}

/**
 * Milliseconds to wait before an attempt, or `false` to end the link with the error. The attempts
 * count from 1, and anew after a connection that held; `cause` is what ended the one before.
 */
export type ReconnectDelay = (attempt: number, cause: NsyncError) => number | false;

/** A server that loads, or waits for its master, is asked again after a second. */
const PATIENCE = 1000;
/** setTimeout takes no more than this. */
const LONGEST_TIMER = 2 ** 31 - 1;
const KNOWN: readonly (keyof ReconnectOptions)[] = ["min", "max", "factor", "jitter", "attempts"];

/** The option `reconnect`, checked, as a function. */
export function reconnectDelay(
  option: ReconnectOptions | ReconnectDelay | false = {},
): ReconnectDelay {
  if (option === false) return () => false;
  if (typeof option === "function") return (attempt, cause) => checkedDelay(option(attempt, cause));
  if (typeof option !== "object" || option === null) {
    throw new NsyncError("OPTION", "reconnect must be an object, a function or false.");
  }
  checkOptionNames("reconnect", option, KNOWN);
  const min = number("min", option.min ?? 250, 0, LONGEST_TIMER);
  const max = number("max", option.max ?? Math.max(min, 10_000), min, LONGEST_TIMER);
  const factor = number("factor", option.factor ?? 2, 1, 1000);
  const jitter = number("jitter", option.jitter ?? 0.5, 0, 1);
  const attempts = number("attempts", option.attempts ?? Infinity, 1, Infinity);
  return (attempt, { code }) => {
    if (attempt > attempts) return false;
    const patient = code === "LOADING" || code === "NOMASTERLINK";
    const delay = Math.min(max, patient ? PATIENCE : min * factor ** (attempt - 1));
    const random = delay * (1 + jitter * (2 * Math.random() - 1));
    return Math.min(LONGEST_TIMER, Math.round(random));
  };
}

function checkedDelay(delay: number | false): number | false {
  if (delay === false) return false;
  return number("what the function returns", delay, 0, LONGEST_TIMER);
}

function number(name: string, value: number, low: number, high: number): number {
  if (typeof value !== "number" || !(value >= low && value <= high)) {
    throw new NsyncError("OPTION", `reconnect: ${name} must be a number from ${low} to ${high}.`);
  }
  return value;
}
