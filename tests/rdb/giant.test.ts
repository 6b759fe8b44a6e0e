import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runScript } from "../support/exit.ts";
import { writeGiant } from "./giants.ts";

const MIB = 1 << 20;
const LONG = process.env.NSYNC_LONG === "1";
const CHILD = fileURLToPath(new URL("giant_child.ts", import.meta.url));

interface Reading {
  readonly keys: number;
  readonly parts: number;
  readonly bytes: number;
  readonly peak: number;
}

/** What is read, how much in a usual run, how much in a long one, and how much of it is little. */
const CASES: readonly [what: string, usual: number, long: number, little: number][] = [
  ["string", 128 * MIB, 1024 * MIB, 8 * MIB],
  ["compressed", 128 * MIB, 1024 * MIB, 8 * MIB],
  ["file", 128 * MIB, 2048 * MIB, 8 * MIB],
  ["hash", 800_000, 20_000_000, 80_000],
  ["zset", 800_000, 20_000_000, 80_000],
  ["list", 800_000, 20_000_000, 80_000],
];

// Peak memory is read from /proc.
(existsSync("/proc/self/status") ? describe : describe.skip)("a giant", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "nsync-giant-"));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  async function readGiant(what: string, size: number): Promise<Reading> {
    const path = join(directory, "giant.rdb");
    writeGiant(path, what, size);
    const timeoutMs = LONG ? 600_000 : 60_000;
    const { code, stdout, stderr } = await runScript({ file: CHILD, args: [path], timeoutMs });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }

  for (const [what, usual, long, little] of CASES) {
    const size = LONG ? long : usual;
    it(`${what} of ${size} is read in small memory`, async () => {
      const small = await readGiant(what, little);
      const large = await readGiant(what, size);
      assert.equal(large.keys, what === "file" ? size / 128 : 1);
      assert.ok(large.parts > 20);
      if (what === "string" || what === "compressed") assert.equal(large.bytes, size);
      const more = (large.peak - small.peak) / MIB;
      console.log(
        `${what} of ${size}: ${large.peak / MIB | 0} MiB, ${more | 0} MiB more than ${little}`,
      );
      assert.ok(more <= 64, `${more} MiB more than for a small one`);
    });
  }

  it("count that lies reserves no memory", async () => {
    const { peak } = await readGiant("lies", 1000);
    const small = await readGiant("string", 1000);
    assert.ok(peak - small.peak < 16 * MIB);
  });
});
