/**
 * The entries of a stream, packed into nodes as servers do.
 *
 * @module
 */

import { compareBytes } from "../decode/compare_bytes.ts";
import { ByteSink } from "./byte_sink.ts";
import { LISTPACK_FRAME, putFrame, putInteger, putString } from "./listpack.ts";
import type { StreamId, Subject } from "./subject.ts";

/** A node is full with this many entries or bytes: the servers' defaults. */
const MOST_ENTRIES = 100;
const MOST_BYTES = 4096;
/** What servers take for a listpack. */
const LARGEST = 2 ** 30;

/** The entry has the names of the node's first one, and holds values only. */
const SAME_FIELDS = 2n;

/** Name and value. */
export type StreamField = readonly [name: Uint8Array, value: Uint8Array];

/**
 * Nodes, each `id of 16 bytes, listpack`; in the listpack a master entry
 * `count, deleted, n, n names, 0`, then entries `flags, ms, seq, [n, n x (name, value) | values],
 * elements`, ids as differences to the node's own, which is that of its first entry.
 */
export class StreamNodes {
  /** Number of nodes. */
  count = 0;
  readonly #subject: Subject;
  readonly #into: ByteSink;
  readonly #entries = new ByteSink();
  #first: StreamId = { ms: 0n, seq: 0n };
  #names: readonly Uint8Array[] = [];
  #entryCount = 0;
  #elements = 0;

  /** Nodes that go to `into`. */
  constructor(subject: Subject, into: ByteSink) {
    this.#subject = subject;
    this.#into = into;
  }

  /** Adds an entry, whose id is above the last one's. */
  add(id: StreamId, fields: readonly StreamField[]): void {
    if (this.#entryCount === MOST_ENTRIES || this.#entries.length >= MOST_BYTES) this.flush();
    if (this.#entryCount === 0) {
      this.#first = id;
      this.#names = fields.map(([name]) => name);
    }
    const entries = this.#entries;
    const same = this.#hasNames(fields);
    putInteger(entries, same ? SAME_FIELDS : 0n);
    putInteger(entries, BigInt.asIntN(64, id.ms - this.#first.ms));
    putInteger(entries, BigInt.asIntN(64, id.seq - this.#first.seq));
    if (!same) putInteger(entries, BigInt(fields.length));
    for (const [name, value] of fields) {
      if (!same) putString(entries, name);
      putString(entries, value);
    }
    const elements = same ? fields.length + 3 : 2 * fields.length + 4;
    putInteger(entries, BigInt(elements));
    this.#elements += elements + 1;
    this.#entryCount++;
  }

  #hasNames(fields: readonly StreamField[]): boolean {
    const names = this.#names;
    return fields.length === names.length &&
      fields.every(([name], i) => compareBytes(name, names[i]) === 0);
  }

  /** Closes the node at hand. */
  flush(): void {
    if (this.#entryCount === 0) return;
    const master = new ByteSink();
    putInteger(master, BigInt(this.#entryCount));
    putInteger(master, 0n);
    putInteger(master, BigInt(this.#names.length));
    for (const name of this.#names) putString(master, name);
    putInteger(master, 0n);
    const bytes = master.length + this.#entries.length;
    if (bytes > LARGEST) throw this.#subject.tooLarge("an entry of it has more than 1 GiB");
    const into = this.#into;
    into.len(16);
    into.u64be(this.#first.ms);
    into.u64be(this.#first.seq);
    into.len(bytes + LISTPACK_FRAME);
    putFrame(into, bytes, this.#names.length + 4 + this.#elements);
    into.raw(master.view());
    into.raw(this.#entries.view());
    into.u8(0xff);
    this.count++;
    this.#entries.clear();
    this.#entryCount = 0;
    this.#elements = 0;
  }
}
