/**
 * Memory for batches comes and goes, and should not come from the kernel each time.
 *
 * @module
 */

/** Half of what glibc keeps afterwards: a collector frees the batches of a while at once. */
const BLOCK = 16 << 20;

let done = false;

/**
 * Node's and Deno's buffers come from glibc's malloc. It gives memory back as soon as 128 KiB are free at the
 * top of its heap, and fetches it again for the next batch, page by page, until it has freed a block that was
 * large enough for a mapping of its own: then it keeps twice as much as that. This one takes no memory, since
 * nobody touches it, and goes with the first garbage collection. Bun has an allocator of its own, which
 * would clear it.
 */
export function keepFreedMemory(): void {
  if (done) return;
  done = true;
  const host: unknown = Reflect.get(globalThis, "process");
  const isLinux = Reflect.get(Object(host), "platform") === "linux";
  if (isLinux && !("Bun" in globalThis)) new ArrayBuffer(BLOCK);
}
