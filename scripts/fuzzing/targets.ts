import { TapeBatch } from "../../src/decode/batch.ts";
import { Decoder } from "../../src/decode/decoder.ts";
import { type Limits, limitsOf } from "../../src/decode/limits.ts";
import { NsyncError, type NsyncErrorCode } from "../../src/errors.ts";
import { decodeDump, readRdb } from "../../src/rdb/mod.ts";
import { pieces } from "../../tests/support/pieces.ts";
import type { Seeded } from "../../tests/support/seeded.ts";
import { crc64 } from "./crc64.ts";
import { mutate, settle, summed } from "./mutate.ts";
import { type Outcome, touch, Violation } from "./outcome.ts";
import { withoutParts } from "./parts.ts";
import { enveloped, makeDump, makeRdb } from "./rdb.ts";
import { makeCommands } from "./resp.ts";
import { snapshots, streams } from "./seeds.ts";

/** One way in for bytes: what is fed to it, and what may come out. */
export interface Target {
  readonly name: string;
  /** How often it is chosen. */
  readonly weight: number;
  /** The codes of errors that bytes alone may lead to. */
  readonly codes: ReadonlySet<NsyncErrorCode>;
  /** Makes an input. */
  make(random: Seeded): Uint8Array;
  /** Its events come one after another: of input that is cut short, too, and however it is fed. */
  readonly streams: boolean;
  /** Decodes it, whole or in pieces of these lengths. Throws what must not be thrown. */
  decode(
    input: Uint8Array,
    lengths: readonly number[] | undefined,
    limits: Partial<Limits>,
  ): Promise<Outcome>;
  /** Checks an outcome that is not an error. */
  check(input: Uint8Array, outcome: Outcome): Promise<void> | void;
  /** Makes a changed input one that is read as deeply again. */
  repair(input: Uint8Array): Uint8Array;
}

/** Everything that is fuzzed: a further decoder is a further row. */
export const TARGETS: readonly Target[] = [
  {
    name: "rdb",
    weight: 6,
    codes: new Set([
      ...["RDB_TRUNCATED", "RDB_CORRUPT", "RDB_CHECKSUM", "RDB_UNKNOWN_TYPE", "LIMIT"] as const,
    ]),
    make(random) {
      const input = random.int(0, 1) === 0 ? makeRdb(random) : random.pick(snapshots());
      const other = random.pick(snapshots());
      if (random.int(0, 15) === 0) return mutate(enveloped(input, random), random, other);
      const damaged = random.int(0, 9) === 0 ? input : settle(mutate(input, random, other), random);
      return random.int(0, 15) === 0 ? enveloped(damaged, random) : damaged;
    },
    streams: true,
    decode: decodeRdb,
    async check(input, outcome) {
      if (input[0] === ENVELOPED) return;
      checkSum(input, outcome);
      await checkFilter(input, outcome);
    },
    repair: (input) => input[0] === ENVELOPED ? input : summed(input),
  },
  {
    name: "dump",
    weight: 1,
    codes: new Set([
      ...["RDB_TRUNCATED", "RDB_CORRUPT", "RDB_CHECKSUM", "RDB_UNKNOWN_TYPE", "LIMIT"] as const,
    ]),
    make(random) {
      const input = makeDump(random);
      return random.int(0, 9) === 0
        ? input
        : settle(mutate(input, random, makeDump(random)), random);
    },
    streams: false,
    decode: decodeDumped,
    check() {},
    repair: summed,
  },
  commandTarget("commands", false),
  commandTarget("inline commands", true),
];

function commandTarget(name: string, inlineCommands: boolean): Target {
  return {
    name,
    weight: 1,
    codes: new Set(["PROTOCOL", "LIMIT"] as const),
    make(random) {
      const input = random.int(0, 3) > 0 ? makeCommands(random) : random.pick(streams());
      return random.int(0, 9) === 0 ? input : mutate(input, random, random.pick(streams()));
    },
    streams: true,
    decode: (input, lengths, limits) => {
      const start = { offset: START, db: 0, inlineCommands };
      return decodeCommands(Decoder.commands(limitsOf(limits), start), input, lengths);
    },
    check() {},
    repair: (input) => input,
  };
}

async function decodeRdb(
  input: Uint8Array,
  lengths: readonly number[] | undefined,
  limits: Partial<Limits>,
): Promise<Outcome> {
  const events: string[] = [];
  let end = 0;
  let strays = false;
  const source = lengths === undefined ? input : pieces(input, lengths);
  try {
    for await (const batch of readRdb(source, limits).batches()) {
      if (!(batch instanceof TapeBatch)) {
        strays = true;
        continue;
      }
      const before = events.length;
      for (const event of batch) events.push(touch(event));
      if (events.length - before !== batch.length) throw new Violation("a batch's length is wrong");
      end = batch.offset + batch.sourceLength;
    }
  } catch (error) {
    if (error instanceof NsyncError) return { events, error, end };
    throw error;
  }
  return { events, end, strays };
}

/** A snapshot that was read to its end has the checksum that it names, or none, as its version says. */
function checkSum(input: Uint8Array, { events, end, strays }: Outcome): void {
  if (strays !== input.subarray(end).some((byte) => byte !== 0)) {
    throw new Violation("a remark about what stands behind the end is missing, or wrong");
  }
  const eof = JSON.parse(events.at(-1) ?? "{}");
  if (eof.type !== "eof") throw new Violation("the last event is not eof");
  const version = Number(String.fromCharCode(...input.subarray(6, 9)));
  if (version < 5) {
    if (eof.checksum !== "absent" || input.subarray(end).some((byte) => byte !== 0)) {
      throw new Violation(`checksum ${eof.checksum} in version ${version}, or bytes behind it`);
    }
    return;
  }
  const stored = input.subarray(end - 8, end);
  if (input[end - 9] !== 255) throw new Violation("the last opcode is not 255");
  if (stored.every((byte) => byte === 0)) {
    if (eof.checksum !== "disabled") throw new Violation(`checksum ${eof.checksum} where it is 0`);
    return;
  }
  const sum = crc64(input.subarray(0, end - 8));
  if (eof.checksum !== "verified" || stored.some((byte, i) => byte !== sum[i])) {
    throw new Violation(`checksum ${eof.checksum}, but it is wrong`);
  }
}

/** The first byte of an envelope. */
const ENVELOPED = 0x56;

/** With a filter, what it lets pass is the same. */
async function checkFilter(input: Uint8Array, { events }: Outcome): Promise<void> {
  const { kind } = events.map((event) => JSON.parse(event))
    .find(({ type }, i) => type === "load" && i >= input.length % 3) ?? {};
  if (kind === undefined) return;
  const passed: string[] = [];
  for await (const event of readRdb(input, { filter: { kind } })) {
    if (event.type === "load") passed.push(touch(event));
  }
  const wanted = events.filter((event) => {
    const plain = JSON.parse(event);
    return plain.type === "load" && plain.kind === kind;
  });
  if (withoutParts(passed).join("\n") !== withoutParts(wanted).join("\n")) {
    throw new Violation(`of kind ${kind}, the filter lets pass ${passed}, not ${wanted}`);
  }
}

function decodeDumped(
  input: Uint8Array,
  _: readonly number[] | undefined,
  { maxBlobBytes }: Partial<Limits>,
): Promise<Outcome> {
  const events: string[] = [];
  const end = input.length;
  try {
    events.push(touch(decodeDump(input, maxBlobBytes === undefined ? {} : { maxBlobBytes })));
  } catch (error) {
    if (!(error instanceof NsyncError)) return Promise.reject(error);
    // A function library by its type: that is another function's to read.
    return Promise.resolve(error.code === "OPTION" ? { events, end } : { events, error, end });
  }
  return Promise.resolve({ events, end });
}

/** Offset of the first byte of a command stream. */
const START = 1_000_000_000_000;

function decodeCommands(
  decoder: Decoder,
  input: Uint8Array,
  lengths: readonly number[] | undefined,
): Promise<Outcome> {
  const events: string[] = [];
  let end = START;
  try {
    let from = 0;
    for (const length of lengths ?? [input.length]) {
      for (const to = from + length; from < to;) {
        from += decoder.feed(input.subarray(from, to));
        for (let batch = decoder.next(); batch !== undefined; batch = decoder.next()) {
          for (const event of batch) events.push(touch(event));
          const { offset } = decoder.safe;
          if (offset < end || offset > START + from) throw new Violation(`safe offset ${offset}`);
          end = offset;
        }
      }
    }
    end = decoder.safe.offset;
  } catch (error) {
    if (error instanceof NsyncError) return Promise.resolve({ events, error, end });
    return Promise.reject(error);
  } finally {
    decoder.close();
  }
  return Promise.resolve({ events, end });
}
