import { latin1 } from "./bytes.ts";

/** An error reply (`-ERR ...`); its message is the line without the minus sign. */
export class ReplyError extends Error {
  override name = "ReplyError";
}

/** A reply of a server: bulk strings are bytes, simple strings are text. */
export type Reply = string | number | bigint | Uint8Array | null | ReplyError | Reply[];

/** Takes a server's RESP2 replies in pieces and hands out whole replies. */
export class ReplyParser {
  readonly #deliver: (reply: Reply) => void;
  readonly #open: { items: Reply[]; missing: number }[] = [];
  #buffer = new Uint8Array(65536);
  #start = 0;
  #end = 0;

  /** Calls `deliver` for each complete reply, in order. */
  constructor(deliver: (reply: Reply) => void) {
    this.#deliver = deliver;
  }

  /** Takes the next bytes from the server. */
  push(bytes: Uint8Array): void {
    this.#append(bytes);
    while (this.#next()) { /* one value at a time until the bytes run out */ }
  }

  #append(bytes: Uint8Array): void {
    const held = this.#end - this.#start;
    if (this.#end + bytes.length > this.#buffer.length) {
      let size = this.#buffer.length;
      while (size < held + bytes.length) size *= 2;
      const target = size === this.#buffer.length ? this.#buffer : new Uint8Array(size);
      target.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = target;
      this.#start = 0;
      this.#end = held;
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #next(): boolean {
    const buffer = this.#buffer;
    const lineEnd = buffer.indexOf(13, this.#start);
    if (lineEnd < 0 || lineEnd + 2 > this.#end) return false;
    const type = buffer[this.#start];
    const after = lineEnd + 2;
    if (type === 0x2b && lineEnd === this.#start + 3 && buffer[this.#start + 1] === 0x4f) {
      this.#start = after;
      this.#value("OK");
      return true;
    }
    const line = latin1(buffer.subarray(this.#start + 1, lineEnd));
    if (type === 0x24) {
      const length = Number(line);
      if (length < 0) {
        this.#start = after;
        this.#value(null);
        return true;
      }
      if (after + length + 2 > this.#end) return false;
      this.#start = after + length + 2;
      this.#value(buffer.slice(after, after + length));
      return true;
    }
    this.#start = after;
    if (type === 0x2b) this.#value(line);
    else if (type === 0x2d) this.#value(new ReplyError(line));
    else if (type === 0x3a) this.#value(integer(line));
    else if (type === 0x2a) this.#array(Number(line));
    else throw new Error(`not a RESP2 reply: byte ${type}`);
    return true;
  }

  #array(count: number): void {
    if (count < 0) this.#value(null);
    else if (count === 0) this.#value([]);
    else this.#open.push({ items: [], missing: count });
  }

  #value(value: Reply): void {
    for (;;) {
      const array = this.#open.at(-1);
      if (array === undefined) return this.#deliver(value);
      array.items.push(value);
      if (--array.missing > 0) return;
      this.#open.pop();
      value = array.items;
    }
  }
}

function integer(line: string): number | bigint {
  const number = Number(line);
  return Number.isSafeInteger(number) ? number : BigInt(line);
}
