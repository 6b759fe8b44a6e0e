import assert from "node:assert/strict";
import { inspect } from "node:util";
import { describe, it } from "@std/testing/bdd";
import { type Link, nsync, NsyncError, type NsyncErrorCode, type NsyncOptions } from "../../mod.ts";
import { freePort } from "../support/redis.ts";
import { Peer } from "../transport/peer.ts";
import { Reader } from "./reader.ts";
import { MASTER, plays, replica } from "./roles.ts";
import { greets, ScriptedMaster } from "./scripted_master.ts";
import { ScriptedSentinel } from "./scripted_sentinel.ts";
import { until } from "./until.ts";

const SECRET = "correct-horse-battery";
const reconnect = { min: 1, max: 20 };

function link(sentinels: readonly ScriptedSentinel[], options: NsyncOptions = {}): Link {
  const addresses = sentinels.map(({ address }) => address);
  return nsync({ sentinels: addresses, name: "m", reconnect, ...options });
}

async function assertFails(
  link: Link,
  code: NsyncErrorCode,
  ...says: readonly RegExp[]
): Promise<void> {
  const reader = new Reader(link);
  const error = await reader.failure();
  assert.ok(NsyncError.is(error), inspect(error));
  assert.equal(error.code, code, error.message);
  for (const pattern of says) assert.match(error.message, pattern);
  const printed = inspect(error, { depth: 9, showHidden: true }) + inspect(link, { depth: 9 });
  assert.ok(!printed.includes(SECRET), printed);
  assert.equal(await link.closed, error);
}

describe("a Sentinel", () => {
  it("that does not know the name ends a first attempt", async () => {
    await using sentinel = await ScriptedSentinel.start({ master: null });
    await assertFails(link([sentinel]), "OPTION", /called "m"/, /sentinel monitor/);
    await sentinel.allClosed();
  });

  it("that cannot be reached is passed over, unless it is the last one", async () => {
    await using master = await ScriptedMaster.start(plays(() => MASTER));
    await using sentinel = await ScriptedSentinel.start({ master: master.port });
    const dead = `127.0.0.1:${await freePort()}`;
    await using reader = new Reader(
      nsync({ sentinels: [dead, sentinel.address], name: "m", reconnect }),
    );
    assert.equal(reader.link.status().address, undefined);
    await reader.expect("reset");
    assert.equal(reader.link.status().address, master.address);
    const none = nsync({ sentinels: [dead, "no-such-host.invalid"], name: "m" });
    await assertFails(none, "CONNECT", new RegExp(dead), /no-such-host.invalid:26379/);
  });

  it("that is none, or none any more, is passed over", async () => {
    await using master = await ScriptedMaster.start(plays(() => MASTER));
    await using sentinel = await ScriptedSentinel.start({ master: master.port });
    const strange: readonly string[] = [
      "-ERR unknown command 'SENTINEL'\r\n",
      "HTTP/1.1 400 Bad Request\r\n\r\n",
      "*2\r\n$1\r\na\r\n$3\r\nb\r\n\r\n",
      "*2\r\n*0\r\n:5\r\n+OK\r\n+OK\r\n",
      "*2\r\n$0\r\n\r\n$5\r\n99999\r\n+OK\r\n:1\r\n",
      ":1\r\n$-1\r\n*-1\r\n",
      `$99999999999\r\n`,
      "",
    ];
    for (const says of strange) {
      await using stranger = await ScriptedMaster.start((socket, words) => {
        if (words[0] === "PING") socket.write("+PONG\r\n");
        else if (words[1] === "GET-MASTER-ADDR-BY-NAME") socket.end(says);
      });
      const sentinels = [stranger.address, sentinel.address];
      await using reader = new Reader(nsync({ sentinels, name: "m", reconnect }));
      await reader.until("eof");
    }
    await using server = await ScriptedMaster.start((socket, words) => {
      socket.write(words[0] === "PING" ? "+PONG\r\n" : "-ERR unknown command\r\n");
    });
    const wrong = nsync({ sentinels: [server.address], name: "m" });
    await assertFails(wrong, "PROTOCOL", /is no Sentinel.*26379/);
  });

  it("that hangs is passed over", async () => {
    await using master = await ScriptedMaster.start(plays(() => MASTER));
    await using sentinel = await ScriptedSentinel.start({ master: master.port });
    await using mute = await Peer.tcp((socket) => socket.resume());
    const sentinels = [`127.0.0.1:${mute.port}`, sentinel.address];
    await using reader = new Reader(nsync({ sentinels, name: "m", connectTimeout: 100 }));
    await reader.until("eof");
  });

  it("with a password is given its own one, and says when it is wrong", async () => {
    await using master = await ScriptedMaster.start(plays(() => MASTER));
    const script = { master: master.port, password: SECRET };
    await using sentinel = await ScriptedSentinel.start(script);
    await using open = await ScriptedSentinel.start({ master: master.port });
    await using right = new Reader(link([sentinel], { sentinelPassword: SECRET }));
    await right.until("eof");
    const url = `redis://:${SECRET}@${sentinel.address}`;
    await using inUrl = new Reader(nsync({ sentinels: [url], name: "m" }));
    await inUrl.until("eof");
    const wrong = link([sentinel], { sentinelPassword: `${SECRET}2`, sentinelUsername: "u" });
    await assertFails(wrong, "AUTH", /password is wrong/);
    await assertFails(link([sentinel]), "AUTH", /`sentinelPassword`.*`sentinelUsername`/);
    // One that is set up wrongly is told of, though another one answers.
    await using both = new Reader(link([sentinel, open]));
    const { error } = await both.expect("error");
    assert.equal(error.code, "AUTH");
    assert.match(error.message, /`sentinelPassword`/);
    await both.until("eof");
  });

  it("that is behind is not believed when another one knows better", async () => {
    await using old = await ScriptedMaster.start(plays(() => replica()));
    await using now = await ScriptedMaster.start(plays(() => MASTER));
    await using stale = await ScriptedSentinel.start({ master: old.port });
    await using fresh = await ScriptedSentinel.start({ master: now.port });
    await using reader = new Reader(link([stale, fresh]));
    await reader.expect("reset");
    assert.equal(reader.link.status().address, now.address);
  });

  it("tells of others, which are asked when it is gone", async () => {
    await using master = await ScriptedMaster.start(plays(() => MASTER));
    await using other = await ScriptedSentinel.start({ master: master.port });
    const first = await ScriptedSentinel.start({ master: master.port, others: [other.port, 0] });
    await using reader = new Reader(link([first]));
    await reader.until("eof");
    await first.heard();
    await first[Symbol.asyncDispose]();
    await other.heard();
  });

  it("that names a server of another role is asked again and again", async () => {
    let role = replica();
    await using master = await ScriptedMaster.start(plays(() => role));
    await using sentinel = await ScriptedSentinel.start({ master: master.port });
    await using reader = new Reader(link([sentinel]));
    const { error } = await reader.expect("error");
    assert.deepEqual([error.code, error.retriable], ["ROLE", true]);
    assert.match(error.message, new RegExp(`${master.address} is a replica`));
    assert.match(error.message, /Sentinels name for m/);
    const pulling = reader.expect("reset");
    role = MASTER;
    await pulling;
  });

  it("that holds the master for down is waited for, else that nobody answers is an error", async () => {
    const port = await freePort();
    await using sentinel = await ScriptedSentinel.start({ master: port });
    await assertFails(link([sentinel]), "CONNECT", new RegExp(`127.0.0.1:${port}`), /name for m/);
    sentinel.script = { master: port, flags: "s_down,o_down,master,disconnected" };
    await using reader = new Reader(link([sentinel]));
    const { error } = await reader.expect("error");
    assert.deepEqual([error.code, error.retriable], ["CONNECT", true]);
    assert.match(error.message, /hold the master m for down/);
    const pulling = reader.expect("reset");
    await using master = await ScriptedMaster.start(plays(() => MASTER));
    sentinel.script = { master: master.port };
    await pulling;
  });

  for (const old of [false, true]) {
    it(`names the replicas that are well (${old ? "before" : "since"} 5.0)`, async () => {
      await using fine = await ScriptedMaster.start(plays(() => replica()));
      await using master = await ScriptedMaster.start(plays(() => MASTER));
      await using wrong = await ScriptedMaster.start((socket) => socket.end("-ERR not me\r\n"));
      const fields = (flags: string, status: string, port = wrong.port) => ({
        "ip": "127.0.0.1",
        "port": String(port),
        flags,
        "master-link-status": status,
      });
      const ill = [
        fields("slave,s_down", "ok"),
        fields("s_down,o_down,slave", "ok"),
        fields("slave,disconnected", "ok"),
        fields("slave", "err"),
        fields("slave", "ok", 0),
        { "ip": "", "port": "6379", "flags": "slave", "master-link-status": "ok" },
        {},
      ];
      const script = { master: master.port, old };
      await using sentinel = await ScriptedSentinel.start({
        ...script,
        replicas: [...ill, fields("slave", "ok", fine.port)],
      });
      for (const role of ["replica", "prefer-replica"] as const) {
        await using reader = new Reader(link([sentinel], { role }));
        await reader.expect("reset");
        assert.equal(reader.link.status().address, fine.address);
      }
      sentinel.script = { ...script, replicas: ill };
      await using prefers = new Reader(link([sentinel], { role: "prefer-replica" }));
      await prefers.expect("reset");
      assert.equal(prefers.link.status().address, master.address);
      await using wants = new Reader(link([sentinel], { role: "replica" }));
      assert.equal((await wants.expect("error")).error.code, "ROLE");
    });
  }

  it("is heard when it tells of a switch, of this master only", async () => {
    await using one = await ScriptedMaster.start(plays(() => MASTER));
    await using two = await ScriptedMaster.start(plays(() => MASTER));
    await using sentinel = await ScriptedSentinel.start({ master: one.port });
    await using reader = new Reader(link([sentinel]));
    await reader.until("eof");
    await sentinel.heard();
    const text = (name: string, port: unknown) => `${name} 127.0.0.1 1 127.0.0.1 ${port}`;
    for (const strange of [text("n", two.port), text("m", "x"), "m", "", text("m", one.port)]) {
      sentinel.publish("+switch-master", strange);
    }
    sentinel.script = { master: two.port };
    sentinel.publish("+switch-master", text("m", two.port));
    const { error } = await reader.expect("error");
    assert.equal(
      error.message,
      `The master m is ${two.address} now, as its Sentinels say: the link leaves ${one.address}.`,
    );
    assert.equal((await reader.expect("resume")).offset, 1);
    assert.equal(reader.link.status().address, two.address);
    await one.allClosed();
  });

  it("that tells of a switch ends the wait for the old master", async () => {
    let busy = true;
    const patient = plays(() => MASTER);
    await using one = await ScriptedMaster.start((socket, words, client) => {
      if (busy || words[0] !== "PSYNC") patient(socket, words, client);
      else socket.end("-LOADING Redis is loading the dataset in memory\r\n");
    });
    await using two = await ScriptedMaster.start(plays(() => MASTER));
    await using sentinel = await ScriptedSentinel.start({ master: one.port });
    // So long that only a switch can end the test.
    await using reader = new Reader(link([sentinel], { reconnect: () => 100_000 }));
    const waiting = (async () => {
      await reader.until("eof");
      await sentinel.heard();
    })();
    await waiting;
    busy = false;
    sentinel.script = { master: two.port };
    one.hangUp();
    assert.equal((await reader.expect("error")).error.code, "CLOSED");
    const pulling = reader.expect("resume");
    await until(() => reader.link.status().phase === "reconnecting");
    sentinel.publish("+switch-master", `m 127.0.0.1 ${one.port} 127.0.0.1 ${two.port}`);
    await pulling;
    assert.equal(reader.link.status().address, two.address);
  });

  it("that lets nobody listen is told of, and the link goes on", async () => {
    await using master = await ScriptedMaster.start(plays(() => MASTER));
    const subscribe = new Error("NOPERM this user has no permissions");
    await using sentinel = await ScriptedSentinel.start({ master: master.port, subscribe });
    await using reader = new Reader(link([sentinel]));
    const { event } = await reader.until("error");
    assert.equal(event.error.code, "PERMISSION");
    assert.match(event.error.message, /watched for failovers.*\+subscribe/);
    await until(() => reader.link.status().phase === "live");
  });
});

describe("a link by Sentinels that is closed", () => {
  it("while it asks one, listens to one, or waits, leaves nothing open", async () => {
    await using mute = await Peer.tcp((socket) => socket.resume());
    const asking = new Reader(nsync({ sentinels: [`127.0.0.1:${mute.port}`], name: "m" }));
    const pulling = asking.iterator.next();
    await until(() => mute.sockets.length > 0);
    await asking.link.close();
    assert.deepEqual(await pulling, { done: true, value: undefined });

    await using silent = await ScriptedMaster.start(greets(() => {}));
    await using named = await ScriptedSentinel.start({ master: silent.port });
    const inHandshake = new Reader(link([named]));
    void inHandshake.iterator.next();
    await silent.asked("ROLE");
    await named.heard();
    await inHandshake.link.close();
    await Promise.all([silent.allClosed(), named.allClosed()]);

    await using nobody = await ScriptedSentinel.start({
      master: await freePort(),
      flags: "s_down,master",
    });
    const waiting = new Reader(link([nobody], { reconnect: () => 100_000 }));
    await waiting.expect("error");
    await nobody.heard();
    await waiting.link.close();
    await nobody.allClosed();
  });
});
