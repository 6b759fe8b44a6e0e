import { bytes } from "./rdb_bytes.ts";

/** LZF: literal bytes, 1 to 32 of them. */
export function literals(run: Uint8Array): Uint8Array {
  return bytes(run.length - 1, run);
}

/** LZF: a copy of 3 to 264 bytes from 1 to 8192 bytes back. */
export function copy(distance: number, length: number): Uint8Array {
  const high = (distance - 1) >> 8;
  const low = (distance - 1) & 0xff;
  const n = length - 2;
  return n < 7 ? bytes((n << 5) | high, low) : bytes((7 << 5) | high, n - 7, low);
}

/** What {@link copy} appends to an output, byte by byte. */
export function copied(output: number[], distance: number, length: number): void {
  for (let i = 0; i < length; i++) output.push(output[output.length - distance]);
}

/** Compresses as a server might: each copy is the first found among the places of three bytes. */
export function compress(input: Uint8Array): Uint8Array {
  const codes: Uint8Array[] = [];
  const seen = new Map<number, number>();
  let plain = 0;
  let at = 0;
  const flush = (): void => {
    for (; plain < at; plain += 32) {
      codes.push(literals(input.subarray(plain, Math.min(at, plain + 32))));
    }
    plain = at;
  };
  while (at < input.length) {
    const three = input[at] | (input[at + 1] << 8) | (input[at + 2] << 16);
    const from = at + 2 < input.length ? seen.get(three) : undefined;
    seen.set(three, at);
    if (from === undefined || at - from > 8192) {
      at++;
      continue;
    }
    let length = 3;
    while (
      length < 264 && at + length < input.length && input[from + length] === input[at + length]
    ) {
      length++;
    }
    flush();
    codes.push(copy(at - from, length));
    at += length;
    plain = at;
  }
  flush();
  return bytes(...codes);
}
