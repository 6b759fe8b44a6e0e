/**
 * One instance of the WebAssembly core, its calls and its control block. Instances are pooled.
 *
 * @module
 */

import * as abi from "../../wasm/abi.ts";
import { keepFreedMemory } from "./malloc.ts";
import { wasmModule } from "./wasm.ts";

type Call = (...args: number[]) => number;

/** Regions that an instance starts with, in bytes. */
const TAPE = 512 << 10;
const ARENA = 512 << 10;
const WINDOW = 320 << 10;
/** An instance whose memory has grown beyond this is dropped after use: memory does not shrink. */
const KEEP = 8 << 20;
const POOLED = 4;

/** A filter as the core takes it. */
export interface CoreFilter {
  /** One bit per kind. */
  readonly kinds: number;
  /** How many databases and patterns stand in the block; none of either means all. */
  readonly databases: number;
  readonly patterns: number;
  /** What stands at FILTER_BLOCK. */
  readonly block: Uint8Array;
  /** Keys that are not wanted count all the same. */
  readonly countsAll: boolean;
}

const pool: Core[] = [];

/** An idle instance, or a new one. */
export function takeCore(): Core {
  keepFreedMemory();
  return pool.pop() ?? new Core();
}

/** Gives an instance back. */
export function returnCore(core: Core): void {
  if (pool.length < POOLED && core.memoryBytes <= KEEP) pool.push(core);
}

/** An instance of the core. */
export class Core {
  readonly #memory: WebAssembly.Memory;
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  readonly #beginSnapshot: Call;
  readonly #beginStream: Call;
  readonly #beginContent: Call;
  readonly #filter: Call;
  readonly #beginFile: Call;
  readonly #limit: Call;
  readonly #reserve: Call;
  readonly #input: Call;
  readonly #crc64: (crc: bigint, at: number, length: number) => bigint;
  /** Tells that this many bytes were written at the end of the input. */
  readonly commit: Call;
  /** Reads on; answers a status of abi.ts. */
  readonly run: Call;
  /** Forgets the batch at hand. */
  readonly release: Call;
  /** Starts a DUMP payload. */
  readonly beginDump: Call;
  /** Leaves no further string of the RDB compressed. */
  readonly decompressStrings: Call;
  /** Decompresses what stands at the end of the input into the arena: 0 broken, 1 ASCII, 2 other. */
  readonly inflate: Call;
  /** Writes lines of JSON of records on the tape: see wasm/core.ts. */
  readonly ndjson: Call;
  /** Describes the place where the input stops short, as an error. */
  readonly interrupted: Call;

  constructor() {
    const { exports } = new WebAssembly.Instance(wasmModule());
    const { memory } = exports;
    if (!(memory instanceof WebAssembly.Memory)) throw new TypeError("the core has no memory");
    this.#memory = memory;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
    this.#beginSnapshot = call(exports, "beginSnapshot");
    this.#beginStream = call(exports, "beginStream");
    this.#beginContent = call(exports, "beginContent");
    this.#filter = call(exports, "filter");
    this.#beginFile = call(exports, "beginFile");
    this.#limit = call(exports, "limit");
    this.#reserve = call(exports, "reserve");
    this.#input = call(exports, "input");
    this.#crc64 = crc64Call(exports);
    this.beginDump = call(exports, "beginDump");
    this.decompressStrings = call(exports, "decompressStrings");
    this.commit = call(exports, "commit");
    this.run = call(exports, "run");
    this.release = call(exports, "release");
    this.inflate = call(exports, "inflate");
    this.ndjson = call(exports, "ndjson");
    this.interrupted = call(exports, "interrupted");
    this.reserve(TAPE, 0, ARENA, WINDOW);
  }

  /** Bytes of linear memory. */
  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Linear memory; valid until the next {@linkcode reserve}. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /** A u32 of the control block. */
  u32(address: number): number {
    return this.#view.getUint32(address, true);
  }

  /** A u64 of the control block, as far as a number holds it. */
  u64(address: number): number {
    return this.u32(address) + this.u32(address + 4) * 0x100000000;
  }

  /** Starts an RDB. */
  beginSnapshot(verify: boolean, strict: boolean): void {
    this.#beginSnapshot(verify ? 1 : 0, strict ? 1 : 0);
  }

  /** Wants only some keys of the RDB just begun. */
  filter({ kinds, databases, patterns, block, countsAll }: CoreFilter): void {
    this.#bytes.set(block, abi.FILTER_BLOCK);
    this.#filter(kinds, databases, patterns, countsAll ? 1 : 0);
  }

  /** Starts a command stream. */
  beginStream(
    offset: number,
    db: number,
    inlineCommands: boolean,
    transactions: number,
    within: number,
  ): void {
    this.#beginStream(offset, db, inlineCommands ? 1 : 0, transactions, within);
  }

  /** Starts an envelope, whose content goes to the arena. */
  beginContent(): void {
    this.#beginContent();
  }

  /** Starts the commands of an append-only file, up to a timestamp in seconds, or to its end below 0. */
  beginFile(offset: number, until: number): void {
    this.#beginFile(offset, until);
  }

  /** Sets the limits, in bytes. */
  limit(blob: number, string: number, transaction: number): void {
    this.#limit(blob, string, transaction);
  }

  /** Bytes of input that can be written now; moves what is left over out of the way for `wanted`. */
  input(wanted: number): number {
    return this.#input(wanted);
  }

  /** CRC-64 of bytes of linear memory behind bytes whose checksum is `crc`. */
  crc64(crc: bigint, at: number, length: number): bigint {
    return this.#crc64(crc, at, length);
  }

  /** Grows the regions to these sizes; false when there is no memory for them. */
  reserve(tape: number, templates: number, arena: number, window: number): boolean {
    const done = this.#reserve(tape, templates, arena, window) !== 0;
    if (this.#bytes.buffer !== this.#memory.buffer) {
      this.#bytes = new Uint8Array(this.#memory.buffer);
      this.#view = new DataView(this.#memory.buffer);
    }
    return done;
  }
}

function call(exports: WebAssembly.Exports, name: string): Call {
  const f = exported(exports, name);
  return (...args) => Number(f(...args));
}

function crc64Call(exports: WebAssembly.Exports): (...args: [bigint, number, number]) => bigint {
  const f = exported(exports, "crc64");
  return (...args) => BigInt.asUintN(64, BigInt(f(...args)));
}

function exported(exports: WebAssembly.Exports, name: string): CallableFunction {
  const f = exports[name];
  if (typeof f !== "function") throw new TypeError(`the core has no ${name}`);
  return f;
}
