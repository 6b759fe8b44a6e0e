/**
 * Memory that is about to be filled, without zeroing it first where the runtime knows how.
 *
 * @module
 */

const allocate = findAllocator();

function findAllocator(): ((size: number) => unknown) | undefined {
  const buffer: unknown = Reflect.get(globalThis, "Buffer");
  if (typeof buffer !== "function") return undefined;
  const allocator: unknown = Reflect.get(buffer, "allocUnsafeSlow");
  return typeof allocator === "function" ? (size) => allocator(size) : undefined;
}

/** A new array whose bytes must all be written before anyone sees them. */
export function uninitialized(size: number): Uint8Array<ArrayBuffer> {
  const buffer = allocate?.(size);
  return buffer instanceof Uint8Array && buffer.buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer.buffer, 0, size)
    : new Uint8Array(size);
}
