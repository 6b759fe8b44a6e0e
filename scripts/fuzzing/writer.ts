/** Bytes that grow, with the primitives of the RDB format. */
export class Writer {
  #bytes = new Uint8Array(512);
  #length = 0;

  /** How many bytes there are. */
  get length(): number {
    return this.#length;
  }

  /** A copy of all bytes. */
  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** One byte. */
  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Text of one character per byte. */
  text(text: string): void {
    this.#room(text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#length++] = text.charCodeAt(i);
  }

  /** An integer in `size` bytes, low one first. */
  le(value: number | bigint, size: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let i = 0; i < size; i++, rest >>= 8n) this.u8(Number(rest & 0xffn));
  }

  /** An integer in `size` bytes, high one first. */
  be(value: number | bigint, size: number): void {
    const bits = BigInt.asUintN(64, BigInt(value));
    for (let i = size - 1; i >= 0; i--) this.u8(Number((bits >> BigInt(8 * i)) & 0xffn));
  }

  /** A double, low byte first. */
  f64(value: number): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    this.raw(bytes);
  }

  /** A length: in the shortest form, or in the one of `form` bytes (1, 2, 5 or 9). */
  length64(value: number | bigint, form = 0): void {
    const n = BigInt.asUintN(64, BigInt(value));
    if (form <= 1 && n < 64n) return this.u8(Number(n));
    if (form <= 2 && n < 16384n) {
      this.u8(0x40 | Number(n >> 8n));
      return this.u8(Number(n & 0xffn));
    }
    const wide = form === 9 || n >= 2n ** 32n;
    this.u8(wide ? 0x81 : 0x80);
    this.be(n, wide ? 8 : 4);
  }

  #room(n: number): void {
    if (this.#length + n <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + n));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
