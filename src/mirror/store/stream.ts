/**
 * Streams.
 *
 * @module
 */

import type { GroupState, IdmpState, StreamId, StreamState } from "../values.ts";
import { NsyncError } from "../../errors.ts";
import { Account, OBJECT_OVERHEAD } from "./account.ts";
import { NameTable } from "./name_table.ts";
import { StreamBlock } from "./stream_block.ts";
import { StreamGroup } from "./stream_group.ts";
import { compareIds, lastAtOrBefore } from "./stream_id.ts";

const ZERO: StreamId = { ms: 0n, seq: 0n };

/** A stream in blocks of entries. */
export class StreamObject implements StreamState {
  readonly kind = "stream";
  lastId: StreamId = ZERO;
  maxDeletedId: StreamId = ZERO;
  entriesAdded = 0n;
  idmp: IdmpState | undefined;
  /** Number of entries. */
  length = 0;
  /** What it holds. */
  readonly account: Account;
  readonly #blocks: StreamBlock[] = [];
  /** The highest id that an entry had. */
  #last = ZERO;
  readonly #groups = new NameTable<StreamGroup>();

  /** Starts empty. */
  constructor(account: Account) {
    this.account = new Account(account);
    this.account.add(8 * OBJECT_OVERHEAD);
  }

  get firstId(): StreamId | undefined {
    return this.#blocks[0]?.firstId;
  }

  append(id: StreamId, fields: readonly Uint8Array[]): void {
    if (compareIds(id, this.#last) <= 0 && this.length > 0) {
      const message = "An entry of a stream has an id that is not above the ones before it.";
      throw new NsyncError("RDB_CORRUPT", message);
    }
    this.#last = id;
    const last = this.#blocks.at(-1);
    if (last === undefined || !last.append(id, fields)) {
      last?.trim();
      const block = new StreamBlock(this.account, id, fields);
      block.append(id, fields);
      this.#blocks.push(block);
    }
    this.length++;
  }

  delete(id: StreamId): boolean {
    const b = this.#find(id);
    if (b < 0 || !this.#blocks[b].delete(id)) return false;
    this.length--;
    if (this.#blocks[b].count === 0) {
      this.#blocks[b].release();
      if (b === 0) this.#blocks.shift();
      else this.#blocks.splice(b, 1);
    }
    return true;
  }

  get(id: StreamId): readonly Uint8Array[] | undefined {
    return this.#blocks[this.#find(id)]?.get(id);
  }

  *range(
    from: StreamId,
    to: StreamId,
    reverse: boolean = false,
  ): IterableIterator<readonly [StreamId, readonly Uint8Array[]]> {
    if (compareIds(from, to) > 0) return;
    const first = Math.max(0, this.#find(from));
    const last = this.#find(to);
    for (let i = first; i <= last; i++) {
      yield* this.#blocks[reverse ? last - (i - first) : i].entries(from, to, reverse);
    }
  }

  groups(): IterableIterator<GroupState> {
    return this.#groups.all();
  }

  group(name: Uint8Array): GroupState | undefined {
    return this.#groups.get(name);
  }

  addGroup(name: Uint8Array, lastId: StreamId, entriesRead: bigint | undefined): GroupState {
    const group = new StreamGroup(this.account, name, lastId, entriesRead);
    this.#groups.set(group)?.release();
    return group;
  }

  deleteGroup(name: Uint8Array): boolean {
    const group = this.#groups.delete(name);
    group?.release();
    return group !== undefined;
  }

  /** The last block that begins at or before an id, or -1. */
  #find(id: StreamId): number {
    return lastAtOrBefore(this.#blocks, id, firstOf);
  }
}

function firstOf(block: StreamBlock): StreamId {
  return block.first;
}
