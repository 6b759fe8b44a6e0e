import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "@std/testing/bdd";
import type { NsyncEvent } from "../../src/aof/mod.ts";
import { latin1 } from "../support/bytes.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { corpusDir } from "../support/fixtures.ts";
import { startRedis } from "../support/redis.ts";
import { type Truth, TruthBuilder, type TruthKey } from "../support/truth.ts";
import { assertTruth, type Expected } from "../support/truth_compare.ts";
import { AofDirectory, inPieces, outcomeOf, plain } from "./aof_files.ts";
import { contentOf, replay } from "./replay.ts";

const found = readdirSync(corpusDir()).sort().map((build) => join(corpusDir(), build, "aof"))
  .filter((path) => existsSync(join(path, "truth.json")));

/** The snapshot's keys that no command touches, and the server's that one does. */
function merged(loaded: Truth, served: Truth, events: readonly NsyncEvent[]): Truth {
  const touched = new Set<string>();
  for (const event of events) {
    if (event.type !== "cmd") continue;
    for (const key of event.keysBytes ?? []) touched.add(`${event.db}:${latin1(key)}`);
  }
  assert.ok(touched.size > 20);
  const databases: Record<string, { keys: TruthKey[] }> = {};
  for (const db of new Set([...Object.keys(loaded.databases), ...Object.keys(served.databases)])) {
    const rest = (loaded.databases[db]?.keys ?? []).filter(({ key }) =>
      !touched.has(`${db}:${key}`)
    );
    const keys = [...rest, ...served.databases[db]?.keys ?? []];
    keys.sort((a, b) => (a.key < b.key ? -1 : 1));
    if (keys.length > 0) databases[db] = { keys };
  }
  return { databases, functions: loaded.functions };
}

describeWithServer("append-only files of real servers", () => {
  it("are there", () => {
    assert.ok(found.length >= 2);
  });

  for (const path of found) {
    it(`${path.slice(corpusDir().length + 1)} is what the server held`, async () => {
      using dir = new AofDirectory();
      const truth: Expected & { readonly files: readonly string[] } = JSON.parse(
        readFileSync(join(path, "truth.json"), "utf8"),
      );
      const lines = truth.files.map((name, i) => {
        dir.write(name, readFileSync(join(path, name)));
        return `file ${name} seq ${i + 1} type ${i === 0 ? "b" : "i"}\n`;
      });
      dir.write("x.manifest", lines.join(""));
      const { events, error } = await outcomeOf(dir.path);
      assert.equal(error, undefined);
      const inBytes = await outcomeOf(dir.path, {}, inPieces(1));
      assert.deepEqual(plain(inBytes.events), plain(events));
      const builder = new TruthBuilder();
      for (const event of events) builder.add(event);
      await using server = await startRedis();
      await replay(events, server);
      const content = merged(builder.truth(), await contentOf(server), events);
      const file = readFileSync(join(path, truth.files[0]), "latin1");
      const rdbVersion = Number(file.slice(5, 9));
      assertTruth(content, { ...truth, rdbVersion }, path);
    });
  }
});
