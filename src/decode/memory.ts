/**
 * Memory that is about to be written as a whole.
 *
 * @module
 */

type Allocate = (bytes: number) => unknown;

/** What Node and Bun offer for it; elsewhere memory comes as zeros, which takes its time. */
const allocate: Allocate | undefined = findAllocate();

function findAllocate(): Allocate | undefined {
  const buffer: unknown = Reflect.get(globalThis, "Buffer");
  if (typeof buffer !== "function") return undefined;
  const slow: unknown = Reflect.get(buffer, "allocUnsafeSlow");
  return typeof slow === "function" ? (bytes) => Reflect.apply(slow, buffer, [bytes]) : undefined;
}

/** An array of its own memory, which holds anything. */
export function unwritten(bytes: number): Uint8Array<ArrayBuffer> {
  const made = allocate?.(bytes);
  // The views on it must not be those of the runtime's own class.
  return made instanceof Uint8Array && made.buffer instanceof ArrayBuffer
    ? new Uint8Array(made.buffer, made.byteOffset, bytes)
    : new Uint8Array(bytes);
}
