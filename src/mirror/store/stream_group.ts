/**
 * Consumer groups of streams.
 *
 * @module
 */

import type { ConsumerState, GroupState, PendingEntry, StreamId } from "../values.ts";
import { Account, OBJECT_OVERHEAD } from "./account.ts";
import { NameTable } from "./name_table.ts";
import { PendingTable } from "./pending_table.ts";

/** A group of a stream. */
export class StreamGroup implements GroupState {
  readonly name: Uint8Array;
  lastId: StreamId;
  entriesRead: bigint | undefined;
  readonly #account: Account;
  readonly #pending: PendingTable;
  readonly #consumers = new NameTable<ConsumerState>();

  /** Starts without consumers. */
  constructor(
    account: Account,
    name: Uint8Array,
    lastId: StreamId,
    entriesRead: bigint | undefined,
  ) {
    this.name = name.slice();
    this.lastId = lastId;
    this.entriesRead = entriesRead;
    this.#account = new Account(account);
    this.#account.add(name.length + 8 * OBJECT_OVERHEAD);
    this.#pending = new PendingTable(this.#account);
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  pending(from?: StreamId, to?: StreamId): IterableIterator<PendingEntry> {
    return this.#pending.range(from, to);
  }

  pendingAt(id: StreamId): PendingEntry | undefined {
    return this.#pending.get(id);
  }

  setPending(entry: PendingEntry): void {
    const { consumer } = entry;
    this.#pending.set(entry, consumer === undefined ? undefined : this.#consumers.get(consumer));
  }

  deletePending(id: StreamId): boolean {
    return this.#pending.delete(id);
  }

  consumers(): IterableIterator<ConsumerState> {
    return this.#consumers.all();
  }

  consumer(name: Uint8Array): ConsumerState | undefined {
    return this.#consumers.get(name);
  }

  addConsumer(name: Uint8Array, seenTime: number): ConsumerState {
    const known = this.#consumers.get(name);
    if (known !== undefined) {
      known.seenTime = seenTime;
      return known;
    }
    const consumer = { name: name.slice(), seenTime, activeTime: undefined };
    this.#consumers.set(consumer);
    this.#account.add(name.length + 3 * OBJECT_OVERHEAD);
    return consumer;
  }

  deleteConsumer(name: Uint8Array): boolean {
    const consumer = this.#consumers.delete(name);
    if (consumer === undefined) return false;
    this.#pending.deleteOf(consumer);
    this.#account.add(-name.length - 3 * OBJECT_OVERHEAD);
    return true;
  }

  /** Counts it out. */
  release(): void {
    this.#account.moveTo(undefined);
  }
}
