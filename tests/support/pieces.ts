/** The bytes in pieces of these lengths. */
export async function* pieces(
  input: Uint8Array,
  lengths: Iterable<number>,
): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const length of lengths) {
    yield input.subarray(from, from + length);
    from += length;
  }
}
