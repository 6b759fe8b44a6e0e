/**
 * The Sentinels that can be asked.
 *
 * @module
 */

import { addressText, type Endpoint } from "../endpoint.ts";
import type { Address } from "../transport/transport.ts";

/** Most that are learned of: a Sentinel cannot fill the memory. */
const MOST = 100;

/** The Sentinels of the options, and those that these know of, in the order in which to ask. */
export class Sentinels {
  readonly #configured: ReadonlySet<string>;
  #inOrder: readonly Endpoint[];

  constructor(configured: readonly Endpoint[]) {
    this.#configured = new Set(configured.map(nameOf));
    this.#inOrder = distinct(configured);
  }

  /** The best first. */
  get all(): readonly Endpoint[] {
    return this.#inOrder;
  }

  /** One has answered, and knows of these others: they are talked to as it is. */
  answered(sentinel: Endpoint, others: readonly Address[]): void {
    const learned = others.slice(0, MOST).map((address) => ({ ...sentinel, address }));
    const kept = new Set([...this.#configured, ...learned.map(nameOf)]);
    const known = this.#inOrder.filter((one) => kept.has(nameOf(one)));
    this.#inOrder = distinct([sentinel, ...known, ...learned]);
  }

  /** One knows more than the others: it is asked first. */
  prefer(sentinel: Endpoint): void {
    this.#inOrder = distinct([sentinel, ...this.#inOrder]);
  }

  /** One has failed: it is asked last. */
  failed(sentinel: Endpoint): void {
    const others = this.#inOrder.filter((one) => nameOf(one) !== nameOf(sentinel));
    if (others.length < this.#inOrder.length) this.#inOrder = [...others, sentinel];
  }

  /** The best one that is not among those. */
  next(asked: ReadonlySet<string>): Endpoint | undefined {
    return this.#inOrder.find((one) => !asked.has(nameOf(one)));
  }
}

function nameOf({ address }: Endpoint): string {
  return addressText(address);
}

function distinct(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  return [...new Map(endpoints.map((one) => [nameOf(one), one])).values()];
}
