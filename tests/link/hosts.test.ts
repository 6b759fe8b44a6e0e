import assert from "node:assert/strict";
import { inspect } from "node:util";
import { describe, it } from "@std/testing/bdd";
import { nsync, NsyncError, type NsyncErrorCode, type NsyncOptions } from "../../mod.ts";
import { Certificates } from "../support/certificates.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { freePort, type RedisServer, startRedis } from "../support/redis.ts";
import { canSpeakTls, startTlsRedis } from "../support/tls_redis.ts";
import { Reader } from "./reader.ts";
import { grants, MASTER, plays, replica } from "./roles.ts";
import { greets, ScriptedMaster } from "./scripted_master.ts";

const reconnect = { min: 1, max: 20 };

async function failure(options: NsyncOptions, code: NsyncErrorCode): Promise<NsyncError> {
  const error = await new Reader(nsync(options)).failure();
  assert.ok(NsyncError.is(error), inspect(error));
  assert.equal(error.code, code, error.message);
  return error;
}

describe("one host without a role", () => {
  it("is connected to once, and not asked for its role", async () => {
    const words: string[] = [];
    await using master = await ScriptedMaster.start((socket, asked, client) => {
      words.push(`${client} ${asked[0]}`);
      greets(grants)(socket, asked, client);
    });
    await using reader = new Reader(nsync({ port: master.port }));
    await reader.until("eof");
    assert.ok(words.includes("0 PSYNC"));
    assert.doesNotMatch(words.join("\n"), /ROLE|^[^0]/m);
  });
});

describe("several hosts", () => {
  it("are tried in order, each time, until one grants a synchronization", async () => {
    const dead = await freePort();
    let refuses = true;
    const asked: string[] = [];
    const recorded = (name: string, answer = plays(() => MASTER)) =>
      ScriptedMaster.start((socket, words, client) => {
        if (words[0] === "PSYNC") asked.push(`${name} ${words[1].slice(0, 1)}`);
        answer(socket, words, client);
      });
    await using first = await recorded("first", (socket, words, client) => {
      if (refuses) socket.end("-NOMASTERLINK Can't SYNC while not connected with my master\r\n");
      else plays(() => MASTER)(socket, words, client);
    });
    await using second = await recorded("second");
    const hosts = [`127.0.0.1:${dead}`, first.address, { host: "127.0.0.1", port: second.port }];
    await using reader = new Reader(nsync({ hosts, reconnect }));
    assert.equal(reader.link.status().address, hosts[0]);
    await reader.until("eof");
    assert.equal(reader.link.status().address, second.address);
    refuses = false;
    second.hangUp();
    assert.equal((await reader.expect("error")).error.code, "CLOSED");
    await reader.expect("resume");
    assert.equal(reader.link.status().address, first.address);
    assert.deepEqual(asked, ["second ?", "first 0"]);
    // The same in a URL.
    await using other = new Reader(nsync(`redis://127.0.0.1:${dead},${second.address}`));
    await other.until("eof");
    assert.equal(other.link.status().address, second.address);
  });

  it("of which none will do are one error, as hopeful as the most hopeful of theirs", async () => {
    const [a, b] = [await freePort(), await freePort()].map((port) => `127.0.0.1:${port}`);
    const dead = await failure({ hosts: [a, b] }, "CONNECT");
    assert.match(dead.message, new RegExp(`^None of the hosts will do: .*${a}.*; .*${b}.*\\?$`));
    assert.equal(dead.retriable, true);
    await using closed = await ScriptedMaster.start((socket) => socket.end("-NOAUTH no\r\n"));
    const wrong = await failure({ hosts: [closed.address, closed.address] }, "AUTH");
    assert.equal(wrong.retriable, false);
    await failure({ hosts: [closed.address, a] }, "CONNECT");
    let loading = true;
    await using loads = await ScriptedMaster.start((socket, words, client) => {
      if (loading) socket.end("-LOADING Redis is loading the dataset in memory\r\n");
      else plays(() => MASTER)(socket, words, client);
    });
    const hosts = [a, closed.address, loads.address];
    await using reader = new Reader(nsync({ hosts, reconnect: () => 5 }));
    const { error } = await reader.expect("error");
    assert.deepEqual([error.code, error.retriable], ["LOADING", true]);
    loading = false;
    await reader.until("eof");
  });

  it("are waited for when all of them are gone, once one was there", async () => {
    const port = await freePort();
    await using reader = await (async () => {
      await using master = await ScriptedMaster.start(plays(() => MASTER));
      const reader = new Reader(
        nsync({ hosts: [`127.0.0.1:${port}`, master.address], reconnect }),
      );
      await reader.until("eof");
      return reader;
    })();
    assert.equal((await reader.expect("error")).error.code, "CLOSED");
    const { error } = await reader.expect("error");
    assert.deepEqual([error.code, error.retriable], ["CONNECT", true]);
    assert.match(error.message, /None of the hosts/);
  });
});

describe("a role", () => {
  it("is asked for before anything else", async () => {
    const words: string[] = [];
    await using server = await ScriptedMaster.start((socket, asked, client) => {
      words.push(asked[0]);
      plays(() => MASTER)(socket, asked, client);
    });
    await using reader = new Reader(nsync({ port: server.port, role: "master" }));
    await reader.until("eof");
    assert.deepEqual(words.slice(0, 2), ["PING", "ROLE"]);
  });

  const cases: readonly (readonly [
    role: "master" | "replica",
    is: ReturnType<typeof replica>,
    NsyncErrorCode,
    RegExp,
  ])[] = [
    ["master", replica(), "ROLE", /is a replica, and not the master/],
    ["replica", MASTER, "ROLE", /is a master, and not a replica.*"prefer-replica"/],
    ["master", ["sentinel", ["m"]], "ROLE", /is a Sentinel: pass it as one of sentinels/],
    ["master", ["stranger"], "PROTOCOL", /answers ROLE with something else/],
    ["replica", [], "PROTOCOL", /answers ROLE with something else/],
  ];
  for (const [role, is, code, says] of cases) {
    it(`that is not that of the server (${role}, ${is[0]}) ends a first attempt`, async () => {
      await using server = await ScriptedMaster.start(plays(() => is));
      const error = await failure({ port: server.port, role }, code);
      assert.match(error.message, says);
      assert.match(error.message, new RegExp(server.address));
      await server.allClosed();
    });
  }

  it("that a user may not ask for is an error that says so", async () => {
    await using server = await ScriptedMaster.start((socket, words) => {
      socket.write(words[0] === "PING" ? "+PONG\r\n" : "-NOPERM this user has no permissions\r\n");
    });
    const error = await failure({ port: server.port, role: "master" }, "PERMISSION");
    assert.match(error.message, /refuses ROLE.*\+role/);
  });

  it("of a replica wants one that is in touch with its master", async () => {
    let state = "connect";
    await using far = await ScriptedMaster.start(plays(() => replica(state)));
    await using reader = new Reader(nsync({ port: far.port, role: "replica", reconnect: () => 5 }));
    const { error } = await reader.expect("error");
    assert.deepEqual([error.code, error.retriable], ["NOMASTERLINK", true]);
    await using near = await ScriptedMaster.start(plays(() => replica()));
    const hosts = [far.address, near.address];
    await using other = new Reader(nsync({ hosts, role: "replica" }));
    await other.until("eof");
    assert.equal(other.link.status().address, near.address);
    state = "connected";
    await reader.until("eof");
  });

  it("of a replica that is preferred falls back to the master", async () => {
    await using far = await ScriptedMaster.start(plays(() => replica("sync")));
    await using master = await ScriptedMaster.start(plays(() => MASTER));
    await using near = await ScriptedMaster.start(plays(() => replica()));
    const options = { role: "prefer-replica", reconnect } as const;
    const found = async (...hosts: string[]) => {
      await using reader = new Reader(nsync({ hosts, ...options }));
      await reader.until("eof");
      return reader.link.status().address;
    };
    assert.equal(await found(far.address, master.address, near.address), near.address);
    assert.equal(await found(far.address, master.address), master.address);
  });

  it("of a replica gives one that is behind the time to catch up", async () => {
    let offset = 1;
    const asked: string[] = [];
    await using first = await ScriptedMaster.start(plays(() => replica("connected", 1)));
    await using second = await ScriptedMaster.start((socket, words, client) => {
      asked.push(words[0]);
      plays(() => replica("connected", offset++))(socket, words, client);
    });
    const hosts = [first.address, second.address];
    const from = { replId: "0123456789".repeat(4), offset: 5, db: 0 };
    // A replica that does not catch up in a second is asked all the same.
    await using reader = new Reader(nsync({ hosts: [second.address], role: "replica", from }));
    await reader.expect("resume");
    assert.equal(asked.filter((name) => name === "ROLE").length, 5);
    await using behind = new Reader(nsync({ hosts, role: "replica", from }));
    await behind.expect("resume");
    assert.equal(behind.link.status().address, first.address);
  });
});

describeWithServer("real servers", () => {
  const at = ({ port }: RedisServer): string => `127.0.0.1:${port}`;

  it("are followed through a FAILOVER, to the one that is the master", async () => {
    await using master = await startRedis();
    const config = { replicaof: `127.0.0.1 ${master.port}` };
    await using other = await startRedis({ config });
    await other.waitForLog(/MASTER <-> REPLICA sync: Finished with success/);
    const hosts = [at(other), at(master)];
    await using reader = new Reader(nsync({ hosts, role: "master", reconnect }));
    await reader.until("eof");
    assert.equal(reader.link.status().address, at(master));
    await master.command("SELECT", 3);
    await master.command("SET", "k", "before");
    assert.deepEqual((await reader.expect("cmd")).args, ["k", "before"]);
    const pulling = reader.until("resume");
    await master.command("FAILOVER", "TO", "127.0.0.1", other.port);
    const { before } = await pulling;
    for (const event of before) {
      assert.ok(event.type === "error" && event.error.retriable, inspect(event));
    }
    assert.equal(reader.link.status().address, at(other));
    await other.command("SET", "k", "after");
    const { event } = await reader.until("cmd");
    assert.deepEqual([event.db, event.args], [0, ["k", "after"]]);
  });

  it("are left for another replica when one loses its master, at the same place", async () => {
    await using master = await startRedis();
    const config = { replicaof: `127.0.0.1 ${master.port}` };
    await using one = await startRedis({ config });
    await using two = await startRedis({ config });
    for (const replica of [one, two]) {
      await replica.waitForLog(/MASTER <-> REPLICA sync: Finished with success/);
    }
    // A replica makes no PINGs: with its master gone it is silent.
    await using reader = new Reader(
      nsync({ hosts: [at(one), at(two)], role: "replica", replTimeout: 400, reconnect }),
    );
    await reader.until("eof");
    await using writer = await master.client();
    await writer.command("SET", "k", 1);
    await reader.until("cmd");
    const { replId } = reader.link.status();
    await one.command("REPLICAOF", "127.0.0.1", await freePort());
    await reader.until("resume");
    const status = reader.link.status();
    assert.deepEqual([status.address, status.replId], [at(two), replId]);
    await writer.command("SET", "k", 2);
    assert.deepEqual((await reader.until("cmd")).event.args, ["k", "2"]);
  });

  it("may be unix sockets beside others", async () => {
    await using server = await startRedis({ unixSocket: true });
    const socket = server.socketPath ?? "";
    const hosts = [`${socket}.no`, socket];
    await using reader = new Reader(nsync({ hosts, role: "master" }));
    await reader.until("eof");
    assert.equal(reader.link.status().address, `unix:${socket}`);
  });

  (canSpeakTls() ? it : it.skip)("may speak TLS, each by its own name", async () => {
    using certificates = new Certificates();
    const authority = certificates.make("authority", { authority: true });
    const named = certificates.make("named", { by: authority, names: "DNS:localhost" });
    const numbered = certificates.make("numbered", { by: authority, names: "IP:127.0.0.1" });
    const { server: one, port: first } = await startTlsRedis({ certificate: named, authority });
    await using _one = one;
    const { server: two, port: second } = await startTlsRedis({ certificate: numbered, authority });
    await using _two = two;
    const tls = { ca: authority.cert };
    const hosts = [`127.0.0.1:${first}`, `127.0.0.1:${second}`];
    await using reader = new Reader(nsync({ hosts, tls }));
    await reader.until("eof");
    assert.equal(reader.link.status().address, hosts[1]);
    await using byName = new Reader(
      nsync(`rediss://localhost:${first},localhost:${second}`, { tls }),
    );
    await byName.until("eof");
    assert.equal(byName.link.status().address, `localhost:${first}`);
    const error = await failure({ hosts: [hosts[0], `localhost:${second}`], tls }, "CONNECT");
    assert.match(error.message, /that of another host.*that of another host/);
  });
});
