/**
 * Large lists.
 *
 * @module
 */

import type { ListValue } from "../values.ts";
import { Account, OBJECT_OVERHEAD } from "./account.ts";
import { ListNode } from "./list_node.ts";

/** A list in pieces, which are linked to each other. */
export class LargeList implements ListValue {
  readonly kind = "list";
  /** What it holds. */
  readonly account: Account;
  /** Number of elements. */
  length = 0;
  #first: ListNode;
  #last: ListNode;
  /** Where `find` ended: a node, and an index in it. */
  #node: ListNode;
  #index = 0;

  /** Starts empty. */
  constructor(account: Account) {
    this.account = new Account(account);
    this.account.add(2 * OBJECT_OVERHEAD);
    this.#first = this.#last = this.#node = new ListNode(this.account);
  }

  at(index: number): Uint8Array | undefined {
    if (index < 0 || index >= this.length) return undefined;
    this.#find(index);
    return this.#node.at(this.#index);
  }

  *range(start: number = 0, end: number = this.length): IterableIterator<Uint8Array> {
    let left = Math.min(end, this.length) - start;
    if (left <= 0) return;
    this.#find(start);
    let node: ListNode | undefined = this.#node;
    let index = this.#index;
    for (; node !== undefined; node = node.next) {
      for (const element of node.from(index)) {
        yield element;
        if (--left === 0) return;
      }
      index = 0;
    }
  }

  insert(index: number, element: Uint8Array): void {
    let node = this.#last;
    let at = node.count;
    if (index < this.length) {
      this.#find(index);
      node = this.#node;
      at = this.#index;
    }
    if (!node.hasRoom(element)) {
      if (at === node.count) {
        node = node.next?.hasRoom(element) ? node.next : this.#addBehind(node);
        at = 0;
      } else if (at === 0) {
        node = node.previous?.hasRoom(element) ? node.previous : this.#addBefore(node);
        at = node.count;
      } else {
        node.moveTo(this.#addBehind(node), at);
        if (!node.hasRoom(element)) {
          node = this.#addBehind(node);
          at = 0;
        }
      }
    }
    node.insert(at, element);
    this.length++;
  }

  set(index: number, element: Uint8Array): void {
    this.#find(index);
    this.#node.set(this.#index, element);
  }

  remove(index: number, count: number): void {
    this.#find(index);
    const first = this.#node;
    let node: ListNode | undefined = first;
    let at = this.#index;
    this.length -= count;
    for (let left = count; node !== undefined && left > 0; at = 0) {
      const removed = Math.min(left, node.count - at);
      node.remove(at, removed);
      left -= removed;
      const { next }: ListNode = node;
      if (node.count === 0) this.#unlink(node);
      node = next;
    }
    const { next } = first;
    if (first.count === 0 || next === undefined || !first.isSmallWith(next)) return;
    next.moveTo(first, 0);
    this.#unlink(next);
  }

  /** Finds the node of an index that there is, from the nearer end. */
  #find(index: number): void {
    let node: ListNode | undefined;
    let first = 0;
    if (index < this.length / 2) {
      node = this.#first;
      while (node.next !== undefined && first + node.count <= index) {
        first += node.count;
        node = node.next;
      }
    } else {
      node = this.#last;
      first = this.length - node.count;
      while (node.previous !== undefined && first > index) {
        node = node.previous;
        first -= node.count;
      }
    }
    this.#node = node;
    this.#index = index - first;
  }

  #addBefore(node: ListNode): ListNode {
    const added = new ListNode(this.account);
    node.trim();
    added.next = node;
    added.previous = node.previous;
    if (node.previous === undefined) this.#first = added;
    else node.previous.next = added;
    node.previous = added;
    return added;
  }

  #addBehind(node: ListNode): ListNode {
    const added = new ListNode(this.account);
    node.trim();
    added.previous = node;
    added.next = node.next;
    if (node.next === undefined) this.#last = added;
    else node.next.previous = added;
    node.next = added;
    return added;
  }

  /** Takes a node out, unless it is the only one. */
  #unlink(node: ListNode): void {
    const { previous, next } = node;
    if (previous === undefined && next === undefined) return;
    if (previous === undefined) this.#first = next ?? node;
    else previous.next = next;
    if (next === undefined) this.#last = previous ?? node;
    else next.previous = previous;
    if (this.#node === node) this.#node = this.#first;
    node.release();
  }
}
