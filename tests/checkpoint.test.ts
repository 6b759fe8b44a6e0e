import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { fileCheckpoint, NsyncError, type Position } from "../mod.ts";

const replId = "fedcba9876543210".repeat(3).slice(0, 40);
const first: Position = { replId, offset: 1000, db: 2 };
const second: Position = { replId, offset: 2345, db: 0, within: 3000 };

describe("a checkpoint in a file", () => {
  let dir: string;
  let path: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "nsync-checkpoint-"));
    path = join(dir, "position");
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("is empty where there is no file", async () => {
    assert.equal(await fileCheckpoint(path).load(), undefined);
  });

  it("keeps the newest position, and nothing beside it", async () => {
    const checkpoint = fileCheckpoint(path);
    await checkpoint.save(first);
    assert.deepEqual(await checkpoint.load(), first);
    await checkpoint.save(second);
    assert.deepEqual(await fileCheckpoint(pathToFileURL(path)).load(), second);
    assert.deepEqual(readdirSync(dir), ["position"]);
    assert.match(readFileSync(path, "utf8"), /^nsync1:[0-9a-f]{40}:2345:0:3000 [0-9a-f]{8}\n$/);
  });

  it("is empty once there is no position", async () => {
    const checkpoint = fileCheckpoint(pathToFileURL(path));
    await checkpoint.save(undefined);
    await checkpoint.save(first);
    await checkpoint.save(undefined);
    assert.equal(await checkpoint.load(), undefined);
    assert.ok(!existsSync(path));
  });

  it("survives a crash at every byte of the write", async () => {
    const checkpoint = fileCheckpoint(path);
    await checkpoint.save(second);
    const written = readFileSync(path);
    await checkpoint.save(first);
    for (let length = 0; length <= written.length; length++) {
      writeFileSync(`${path}.tmp`, written.subarray(0, length));
      assert.deepEqual(await checkpoint.load(), first);
    }
    await checkpoint.save(second);
    assert.deepEqual(await checkpoint.load(), second);
    assert.deepEqual(readdirSync(dir), ["position"]);
  });

  it("that is damaged is told from a saved one", async () => {
    const checkpoint = fileCheckpoint(path);
    await checkpoint.save(first);
    const good = readFileSync(path);
    const damaged = (error: unknown): boolean => {
      assert.ok(NsyncError.is(error) && error.code === "CHECKPOINT" && !error.retriable);
      return error.message.includes(path);
    };
    for (let length = 0; length < good.length; length++) {
      writeFileSync(path, good.subarray(0, length));
      await assert.rejects(async () => await checkpoint.load(), damaged);
    }
    for (let at = 0; at < good.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = new Uint8Array(good);
        flipped[at] ^= 1 << bit;
        writeFileSync(path, flipped);
        await assert.rejects(async () => await checkpoint.load(), damaged);
      }
    }
    for (const foreign of ["{}", "REDIS0009", `${good}${good}`, "\n"]) {
      writeFileSync(path, foreign);
      await assert.rejects(async () => await checkpoint.load(), damaged);
    }
  });

  it("that cannot be read or written says why", async () => {
    mkdirSync(path);
    await assert.rejects(async () => await fileCheckpoint(path).load(), /EISDIR|directory/i);
    await assert.rejects(
      async () => await fileCheckpoint(path).save(first),
      /EISDIR|EEXIST|directory/i,
    );
    const nowhere = fileCheckpoint(join(dir, "no", "such"));
    assert.equal(await nowhere.load(), undefined);
    await assert.rejects(async () => await nowhere.save(first), /ENOENT|no such/i);
  });

  it("needs a path", () => {
    for (const wrong of ["", 5, undefined]) {
      assert.throws(
        // @ts-expect-error what JavaScript may pass
        () => fileCheckpoint(wrong),
        (error) => NsyncError.is(error) && error.code === "OPTION",
      );
    }
  });
});
