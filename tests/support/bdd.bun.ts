/**
 * What `@std/testing/bdd` is in Bun: the same names, from its own runner.
 *
 * @module
 */

export { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "bun:test";
