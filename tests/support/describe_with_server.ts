import { describe } from "@std/testing/bdd";
import { serverBinary } from "./redis.ts";

/** `describe` for tests that need a real server: skipped where none is installed. */
export const describeWithServer: (name: string, suite: () => void) => void =
  serverBinary() === undefined ? describe.skip : describe;
