import assert from "node:assert/strict";
import { inspect } from "node:util";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { mirror } from "../../src/mirror/mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";

/** As Node prints it, and the runtime that this is. */
function assertPrints(value: unknown, expected: RegExp): void {
  assert.match(inspect(value), expected);
  for (const runtime of ["Deno", "Bun"]) {
    const print: unknown = Reflect.get(Object(Reflect.get(globalThis, runtime)), "inspect");
    if (typeof print === "function") assert.match(String(print(value)), expected);
  }
}

describeWithServer("what prints of a mirror", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ config: { requirepass: "secret" } });
    await server.command("MSET", "foo", "monkey", "foo:1", "donkey", "bar", "seahorse");
  });
  afterAll(() => server.stop());

  it("is what matters, in one line", async () => {
    const url = server.url.replace("//", "//:secret@");
    await using copy = mirror(url, { route: (key) => key.startsWith("foo") ? "foos" : undefined });
    const foos = copy.table("foos");
    assertPrints(copy, /^Mirror \{ \w+, 127.0.0.1:\d+ \}$/);
    assertPrints(foos, /^Table \{ table "foos", LOADING \}$/);
    await copy.ready;
    const changes = copy.changes();
    assertPrints(changes, /^Changes \{ handled (none|up to offset \d+) \}$/);
    assertPrints(
      copy,
      /^Mirror \{ live, [\d.]+:\d+, \w+ [\d.]+, 2 keys, \d+ bytes, lag 0 bytes \}$/,
    );
    assertPrints(foos, /^Table \{ table "foos", 2 keys \}$/);
    assertPrints(foos.bytes, /^BytesTable \{ table "foos", 2 keys \}$/);
    assertPrints(copy.table("none"), /^Table \{ table "none", 0 keys \}$/);
    assertPrints(copy.db(3), /^Table \{ db 3, 0 keys \}$/);
    assertPrints({ foos }, /^\{\s+foos: Table \{ table "foos", 2 keys \},?\s+\}$/);
    await copy.close();
    assertPrints(copy, /^Mirror \{ closed, /);
    assertPrints(foos, /^Table \{ table "foos", CLOSED \}$/);
    assert.ok(!inspect(copy, { depth: 9, showHidden: true }).includes("secret"));
  });
});
