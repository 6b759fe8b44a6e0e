/**
 * How an object prints: like the plain object it stands for, in every runtime.
 *
 * @module
 */

/** Makes the objects of a prototype print as what `plain` gives for them; a text prints as it is. */
export function printAs<T extends object>(prototype: T, plain: (self: T) => object | string): void {
  // Node, Bun and Deno all look for this method when they print an object.
  Object.defineProperty(prototype, Symbol.for("nodejs.util.inspect.custom"), {
    value(this: T): object | string {
      return plain(this);
    },
  });
}
