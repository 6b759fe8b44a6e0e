import { Buffer } from "node:buffer";

/** An argument of a command; text is sent as UTF-8, numbers as decimal text. */
export type Arg = string | number | bigint | Uint8Array;

/** Collects commands as RESP multibulk in one growing buffer. */
export class CommandEncoder {
  #buffer: Buffer = Buffer.allocUnsafe(65536);
  #length = 0;
  #commands = 0;

  /** How many commands are in the buffer. */
  get commands(): number {
    return this.#commands;
  }

  /** How many bytes are in the buffer. */
  get length(): number {
    return this.#length;
  }

  /** Appends one command. */
  add(...args: readonly Arg[]): void {
    this.addAll(args);
  }

  /** Appends one command, given as a list. */
  addAll(args: readonly Arg[]): void {
    this.#header(0x2a, args.length);
    for (const arg of args) {
      if (arg instanceof Uint8Array) this.#bytes(arg);
      else this.#text(typeof arg === "string" ? arg : String(arg));
    }
    this.#commands++;
  }

  /** Hands over the encoded bytes and starts anew. */
  take(): Uint8Array {
    const bytes = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafe(Math.max(65536, this.#length + 1024));
    this.#length = 0;
    this.#commands = 0;
    return bytes;
  }

  #header(mark: number, count: number): void {
    this.#reserve(16);
    this.#buffer[this.#length++] = mark;
    if (count < 10) this.#buffer[this.#length++] = 48 + count;
    else this.#length += this.#buffer.write(String(count), this.#length, "latin1");
    this.#crlf();
  }

  #text(text: string): void {
    let ascii = text.length < 64;
    for (let i = 0; ascii && i < text.length; i++) ascii = text.charCodeAt(i) < 128;
    if (!ascii) return this.#bytes(Buffer.from(text, "utf8"));
    this.#header(0x24, text.length);
    this.#reserve(text.length + 2);
    const buffer = this.#buffer;
    let at = this.#length;
    for (let i = 0; i < text.length; i++) buffer[at++] = text.charCodeAt(i);
    this.#length = at;
    this.#crlf();
  }

  #bytes(bytes: Uint8Array): void {
    this.#header(0x24, bytes.length);
    this.#reserve(bytes.length + 2);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    this.#crlf();
  }

  #crlf(): void {
    this.#buffer[this.#length++] = 13;
    this.#buffer[this.#length++] = 10;
  }

  #reserve(extra: number): void {
    if (this.#length + extra <= this.#buffer.length) return;
    let size = this.#buffer.length * 2;
    while (size < this.#length + extra) size *= 2;
    const larger = Buffer.allocUnsafe(size);
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}

/** One command as RESP multibulk. */
export function encodeCommand(...args: readonly Arg[]): Uint8Array {
  const encoder = new CommandEncoder();
  encoder.addAll(args);
  return encoder.take();
}
