/**
 * Stands in for the part of `@std/testing/bdd` that the tests use, for Deno, where JSR cannot be
 * reached. Where it can, deno.json's `imports` may say `"jsr:@std/testing@1/bdd"` instead, and this
 * file goes; bdd.bun.ts, which tests/tsconfig.json names, stays.
 *
 * @module
 */

export {
  after as afterAll,
  afterEach,
  before as beforeAll,
  beforeEach,
  describe,
  it,
} from "node:test";

// Deno's node:test passes over what is thrown outside of a test: by a timer, or while a file loads.
// Here it is printed, and fails the run when the file's tests are through.
let uncaught = false;

function remember(event: ErrorEvent | PromiseRejectionEvent): void {
  uncaught = true;
  console.error("Uncaught:", event instanceof ErrorEvent ? event.error : event.reason);
}

globalThis.addEventListener("error", remember);
globalThis.addEventListener("unhandledrejection", remember);
globalThis.addEventListener("unload", () => {
  if (uncaught) Deno.exit(1);
});
