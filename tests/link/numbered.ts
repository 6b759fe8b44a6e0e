import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { CmdEvent } from "../../mod.ts";
import { type NumberedWrites, numberOf } from "../support/numbered_writes.ts";

/** Sees to it that numbered writes arrive exactly once and in order. */
export class NumberedArrivals {
  /** The number that is due. */
  next: number;
  readonly #first: number;
  readonly #dbs: Uint8Array;
  readonly #transactions: Uint8Array;

  /** Waits for `count` writes from the number `first` on. */
  constructor(count: number, first = 0) {
    this.#first = first;
    this.next = first;
    this.#dbs = new Uint8Array(count);
    this.#transactions = new Uint8Array(count);
  }

  /** All have arrived. */
  get complete(): boolean {
    return this.next === this.#first + this.#dbs.length;
  }

  /** Takes the next command of the stream. */
  add(event: CmdEvent): void {
    const number = numberOf(event.argsBytes);
    if (number !== this.next) assert.fail(`number ${this.next} was due, not ${inspect(event)}`);
    const i = this.next++ - this.#first;
    const { transaction, db } = event;
    this.#dbs[i] = db;
    this.#transactions[i] = transaction === undefined
      ? 0
      : transaction.first
      ? 2
      : transaction.last
      ? 3
      : 1;
  }

  /** Their databases and transactions must be those of the writes. */
  assertEqual({ first, count, dbs, transactions }: NumberedWrites): void {
    assert.ok(this.complete, `number ${this.next} has not arrived`);
    assert.deepEqual([this.#first, this.#dbs.length], [first, count]);
    assert.deepEqual(this.#dbs, dbs);
    assert.deepEqual(this.#transactions, transactions);
  }
}
