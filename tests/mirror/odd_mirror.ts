import { mirror, type MirrorOptions, type NsyncError } from "../../src/mirror/mod.ts";
import type { Arg } from "../support/resp_encoder.ts";
import { OddMaster, type OddOptions } from "./odd_master.ts";

/** A script that appends to its key, and says what it is. */
export const script = (key: string, text: string): Arg[] => [
  ...["EVAL", "return redis.call('APPEND', KEYS[1], ARGV[1])", 1, key, text],
];

/** A master with something in it, and a mirror of it that has loaded. */
export async function startOdd(options: OddOptions = {}, of: MirrorOptions = {}) {
  const master = await OddMaster.start(options);
  await master.command("SET", "a", "1");
  await master.command("SET", "other", "x");
  return await mirrorOf(master, of);
}

/** A mirror of that master which has loaded; both end together. */
export async function mirrorOf(master: OddMaster, of: MirrorOptions = {}) {
  const errors: NsyncError[] = [];
  let told: () => void = () => {};
  const copy = mirror({
    url: master.url,
    onError(error) {
      errors.push(error);
      told();
    },
    reconnect: { min: 1, max: 10 },
    ...of,
  });
  await copy.ready;
  return {
    master,
    copy,
    errors,
    /** Resolves when the mirror has told of so many errors. */
    async told(count: number): Promise<void> {
      while (errors.length < count) await new Promise<void>((resolve) => told = resolve);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await copy.close();
      await master[Symbol.asyncDispose]();
    },
  };
}
