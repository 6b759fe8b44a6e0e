/**
 * Bytes that wait in files.
 *
 * @module
 */

type FileHandle = Awaited<ReturnType<typeof import("node:fs/promises")["open"]>>;

/** Bytes that are read ahead. */
const READ_AHEAD = 256 << 10;
/** Pieces are joined up to so many bytes, to be written at once. */
const JOINED = 2 << 20;

/** One file, of which no name is left. */
interface Segment {
  readonly reader: FileHandle;
  /** Where it is appended to; `undefined` once another segment goes on. */
  writer: FileHandle | undefined;
  /** Bytes that were written as a whole. */
  size: number;
  /** Bytes that were taken. */
  taken: number;
}

/**
 * First in, first out. The files lose their names as soon as they are open, before anything is in
 * them: the system removes them with the process, however that ends. Files are made when bytes come,
 * and closed when their last byte has been taken.
 */
export class FileQueue {
  readonly #dir: string | URL | undefined;
  readonly #segmentBytes: number;
  readonly #segments: Segment[] = [];
  readonly #ahead = new Uint8Array(READ_AHEAD);
  /** What of `#ahead` was read from the first segment and is not taken yet. */
  #aheadStart = 0;
  #aheadEnd = 0;
  #appending = false;

  /** Files of `segmentBytes` and a little more, in the directory `dir` or in that of the system. */
  constructor(dir: string | URL | undefined, segmentBytes: number) {
    this.#dir = dir;
    this.#segmentBytes = segmentBytes;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#segments.reduce((sum, { size, taken }) => sum + size - taken, 0);
  }

  /** Bytes of the files. */
  get occupied(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, 0);
  }

  /** Makes a file, and removes it. Throws what the system says against it. */
  async check(): Promise<void> {
    const { writer, reader } = await this.#open();
    await writer.close();
    await reader.close();
  }

  /** Adds the pieces, or throws what the system says and adds nothing. One call at a time. */
  async append(pieces: readonly Uint8Array[]): Promise<void> {
    this.#appending = true;
    try {
      const { segment, writer } = await this.#writable();
      try {
        for (const piece of joined(pieces)) await written(writer, piece);
      } catch (error) {
        // It may end with a part of the pieces, behind which nothing can follow.
        await seal(segment).catch(() => {});
        throw error;
      }
      for (const { length } of pieces) segment.size += length;
    } finally {
      this.#appending = false;
      await this.#sweep();
    }
  }

  /**
   * The next `length` bytes, which were added by one call. Throws when the system cannot give them.
   * One call at a time.
   */
  async take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    if (length === 0) return bytes;
    const [segment] = this.#segments;
    for (let at = 0; at < length;) {
      if (this.#aheadStart === this.#aheadEnd) {
        const left = length - at;
        if (left >= READ_AHEAD) {
          at += await read(segment, bytes.subarray(at));
          continue;
        }
        const known = segment.size - segment.taken - at;
        this.#aheadStart = 0;
        this.#aheadEnd = await read(segment, this.#ahead.subarray(0, known));
      }
      const end = Math.min(this.#aheadEnd, this.#aheadStart + length - at);
      bytes.set(this.#ahead.subarray(this.#aheadStart, end), at);
      at += end - this.#aheadStart;
      this.#aheadStart = end;
    }
    segment.taken += length;
    await this.#sweep();
    return bytes;
  }

  /** Closes the files, when nobody reads or writes. */
  async close(): Promise<void> {
    for (const segment of this.#segments.splice(0)) await closed(segment);
  }

  /** Closes the files of which everything has been taken. */
  async #sweep(): Promise<void> {
    for (;;) {
      const [first] = this.#segments;
      if (first === undefined || first.taken < first.size) return;
      if (this.#segments.length === 1 && this.#appending) return;
      this.#segments.shift();
      this.#aheadStart = this.#aheadEnd = 0;
      await closed(first);
    }
  }

  async #writable(): Promise<{ readonly segment: Segment; readonly writer: FileHandle }> {
    const last = this.#segments.at(-1);
    if (last?.writer !== undefined && last.size < this.#segmentBytes) {
      return { segment: last, writer: last.writer };
    }
    const { writer, reader } = await this.#open();
    const segment: Segment = { writer, reader, size: 0, taken: 0 };
    this.#segments.push(segment);
    if (last !== undefined) await seal(last);
    return { segment, writer };
  }

  async #open(): Promise<{ readonly writer: FileHandle; readonly reader: FileHandle }> {
    const { open, rm } = await import("node:fs/promises");
    const path = await this.#path();
    const writer = await open(path, "wx", 0o600);
    try {
      return { writer, reader: await open(path, "r") };
    } catch (error) {
      await writer.close();
      throw error;
    } finally {
      await rm(path);
    }
  }

  async #path(): Promise<string> {
    const [{ tmpdir }, { join }, { fileURLToPath }] = await Promise.all([
      import("node:os"),
      import("node:path"),
      import("node:url"),
    ]);
    const dir = this.#dir ?? tmpdir();
    const name = `nsync-spool-${crypto.randomUUID()}`;
    return join(typeof dir === "string" ? dir : fileURLToPath(dir), name);
  }
}

/** Few pieces instead of many small ones. */
function joined(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (length > JOINED) return pieces;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return [whole];
}

/** Writes all of the bytes. */
async function written(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, null);
    at += bytesWritten;
  }
}

/** Reads at least one byte, and says how many. */
async function read({ reader }: Segment, into: Uint8Array): Promise<number> {
  const { bytesRead } = await reader.read(into, 0, into.length, null);
  if (bytesRead === 0) throw new Error("the file has become shorter");
  return bytesRead;
}

/** Nothing more is appended to it. */
async function seal(segment: Segment): Promise<void> {
  const { writer } = segment;
  segment.writer = undefined;
  await writer?.close();
}

async function closed(segment: Segment): Promise<void> {
  await seal(segment).catch(() => {});
  await segment.reader.close().catch(() => {});
}
