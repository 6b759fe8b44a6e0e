import assert from "node:assert/strict";
import { NsyncError } from "../../src/errors.ts";
import { Client, granted } from "../../src/link/client.ts";
import { ErrorReply, type Reply, replyItems, replyText } from "../../src/link/replies.ts";
import { it } from "@std/testing/bdd";
import { describeWithServer } from "../support/describe_with_server.ts";
import { startRedis } from "../support/redis.ts";

const never = new AbortController().signal;

function endpoint(port: number, password?: string) {
  return {
    address: { host: "127.0.0.1", port },
    tls: undefined,
    username: undefined,
    password,
  };
}

describeWithServer("an ordinary client", () => {
  it("gets every kind of reply, in order, of calls that overlap", async () => {
    await using server = await startRedis();
    await using client = await Client.connect(endpoint(server.port), {
      timeout: 5000,
      signal: never,
    });
    const big = new Uint8Array(3 << 20).fill(7);
    const replies = await Promise.all([
      client.call("SET", "big", big),
      client.call("INCRBY", "n", "9007199254740993"),
      client.call("GET", "big"),
      client.call("GET", "missing"),
      client.call("NOSUCH"),
      client.call("EVAL", "return {1, {'a', false}, {}}", "0"),
      client.pipeline([["MULTI"], ["GET", "n"], ["EXEC"]]),
    ]);
    const [set, incr, get, missing, unknown, nested, transaction] = replies;
    assert.equal(set, "OK");
    assert.equal(incr, 9007199254740993n);
    assert.ok(get instanceof Uint8Array && get.length === big.length && get[12345] === 7);
    assert.equal(missing, null);
    assert.ok(unknown instanceof ErrorReply && unknown.line.startsWith("-ERR unknown command"));
    const items: readonly Reply[] = replyItems(nested) ?? [];
    assert.equal(items[0], 1);
    assert.equal(replyText(replyItems(items[1])?.[0]), "a");
    assert.deepEqual(items[2], []);
    assert.equal(replyText(replyItems(transaction[2])?.[0]), "9007199254740993");
  });

  it("says what a refusal means", async () => {
    await using server = await startRedis({ config: { requirepass: "secret" } });
    await assert.rejects(
      Client.connect(endpoint(server.port), { timeout: 5000, signal: never }),
      (error) => NsyncError.is(error) && error.code === "AUTH",
    );
    await using client = await Client.connect(endpoint(server.port, "secret"), {
      timeout: 5000,
      signal: never,
    });
    await client.call("ACL", "SETUSER", "default", "-role");
    const reply = await client.call("ROLE");
    assert.throws(() => granted(client.peer, "ROLE", reply), /needs \+role/);
  });

  it("gives up what waits when it is aborted", async () => {
    await using server = await startRedis();
    const stop = new AbortController();
    await using client = await Client.connect(endpoint(server.port), {
      timeout: 60_000,
      signal: stop.signal,
    });
    const waiting = client.call("BLPOP", "list", "0");
    const reason = new Error("enough");
    stop.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
  });
});
