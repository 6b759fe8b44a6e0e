import process from "node:process";
import type { Limits } from "../../src/decode/limits.ts";
import { Seeded } from "../../tests/support/seeded.ts";
import { takePeak } from "./memory.ts";
import { type Outcome, Violation } from "./outcome.ts";
import { withoutParts } from "./parts.ts";
import type { Target } from "./targets.ts";

/** An input, and how it is fed. */
export interface Case {
  readonly target: Target;
  readonly input: Uint8Array;
  readonly limits: Partial<Limits>;
  /** Seed of the pieces in which it is fed the second time. */
  readonly pieces: number;
  /** What is done with it: it is read whole, and also in pieces, or cut short. */
  readonly also: "nothing" | "pieces" | "cut";
}

/** Linear memory that may stay from earlier inputs, and what an input may claim per byte. */
const MEMORY = 12 << 20;
const MEMORY_PER_BYTE = 4096;

/** What is wrong with how the case is decoded; nothing, as a rule. */
export async function examine(test: Case, slowMs: number): Promise<string | undefined> {
  const started = process.cpuUsage();
  takePeak();
  try {
    await relations(test);
  } catch (error) {
    if (error instanceof Violation) return error.message;
    return error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : `${error}`;
  }
  const peak = takePeak();
  if (peak > MEMORY + MEMORY_PER_BYTE * test.input.length) return `${peak} bytes of memory`;
  // Of this process: other ones may keep it waiting.
  const { user, system } = process.cpuUsage(started);
  if (user + system > 1000 * slowMs) return `it took more than ${slowMs} ms`;
  return undefined;
}

async function relations(test: Case): Promise<void> {
  const { target, input, also } = test;
  const whole = await decode(test, undefined);
  if (whole.error === undefined) await target.check(input, whole);
  if (also === "nothing") return;
  const random = new Seeded(test.pieces);
  if (also === "pieces") {
    const single = random.int(0, 2) === 0 && input.length < 2000;
    const lengths = single
      ? Array<number>(input.length).fill(1)
      : random.splits(input.length, random.int(2, 12));
    const other = await decode(test, lengths);
    // What does not fit into memory may depend on what else is in it.
    if (whole.error?.code === "LIMIT" || other.error?.code === "LIMIT") return;
    assertSame(whole, other);
    return;
  }
  const cut = { ...test, input: input.subarray(0, random.int(0, input.length)) };
  const part = await decode(cut, undefined);
  if (whole.error?.code === "LIMIT" || part.error?.code === "LIMIT") return;
  if (part.error !== undefined && part.error.code !== "RDB_TRUNCATED") {
    return assertSame(whole, part);
  }
  const all = shapeless(whole.events, part.events);
  for (const [i, event] of shapeless(part.events, whole.events).entries()) {
    if (event !== all[i]) {
      throw new Violation(`event ${i} of the input cut short is ${event}, not ${all[i]}`);
    }
  }
}

/** Decodes the input; an error is one of those that the target may give, and says where and what. */
async function decode(
  { target, input, limits }: Case,
  lengths: readonly number[] | undefined,
): Promise<Outcome> {
  const outcome = await target.decode(input, lengths, limits);
  const { error } = outcome;
  if (error === undefined) return outcome;
  const { code, offset, reading, message } = error;
  if (!target.codes.has(code)) throw new Violation(`${code}: ${message}`);
  if (offset === undefined || !Number.isSafeInteger(offset) || offset < 0) {
    throw new Violation(`${code} at offset ${offset}: ${message}`);
  }
  if (offset % 1_000_000_000_000 > input.length) throw new Violation(`${code} at offset ${offset}`);
  if (reading === undefined || reading === "record") {
    throw new Violation(`${code} reading ${reading}`);
  }
  if (!/^[A-Z].*\.$/.test(message)) throw new Violation(`not a sentence: ${message}`);
  return outcome;
}

function assertSame(whole: Outcome, other: Outcome): void {
  const one = [...shapeless(whole.events, other.events), JSON.stringify(whole.error ?? "end")];
  const two = [...shapeless(other.events, whole.events), JSON.stringify(other.error ?? "end")];
  for (let i = 0; i < Math.max(one.length, two.length); i++) {
    if (one[i] === two[i]) continue;
    throw new Violation(`fed in another way, line ${i} is ${two[i]}, not ${one[i]}`);
  }
}

/** Events that can be compared with others: values may be split in other places. */
function shapeless(events: readonly string[], others: readonly string[]): readonly string[] {
  const split = [...events, ...others].some((event) => event.includes('"part":'));
  return split ? withoutParts(events) : events;
}
