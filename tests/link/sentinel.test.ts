import assert from "node:assert/strict";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { type Link, nsync, type NsyncEvent, type NsyncOptions } from "../../mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import type { RedisServer } from "../support/redis.ts";
import {
  failOver,
  hasten,
  knows,
  MASTER_NAME,
  masterPort,
  mayFailOver,
  startWatched,
  type Watched,
} from "../support/sentinels.ts";
import { Reader } from "./reader.ts";

/** Soon enough that it was not a connection's own end that was waited for. */
const SOON = 10_000;

describeWithServer("a link by Sentinels", () => {
  let watched: Watched;
  beforeAll(async () => watched = await startWatched());
  afterAll(() => watched?.[Symbol.asyncDispose]());

  const at = ({ port }: RedisServer): string => `127.0.0.1:${port}`;
  const link = (options: NsyncOptions = {}): Link =>
    nsync({ sentinels: watched.sentinels.map(at), name: MASTER_NAME, ...options });

  /** The server that a link is at; it has to be of that role. */
  async function serverOf(link: Link, role: "master" | "slave"): Promise<RedisServer> {
    const { address } = link.status();
    const server = watched.servers.find((one) => at(one) === address);
    if (server === undefined) assert.fail(`no ${address}`);
    await using client = await server.client();
    const reply = await client.text("ROLE");
    assert.ok(Array.isArray(reply));
    assert.equal(reply[0], role);
    return server;
  }

  async function master(): Promise<RedisServer> {
    const port = await masterPort(watched.sentinels[2]);
    return watched.servers.find((one) => one.port === port) ?? assert.fail(`no ${port}`);
  }

  /** Waits until all is as it was before the failover. */
  async function healed(): Promise<void> {
    for (const sentinel of watched.sentinels) await knows(sentinel, { replicas: 2, sentinels: 2 });
  }

  /** On a connection of its own: a Sentinel cuts all those to a server whose role it changes. */
  async function set(server: RedisServer, key: string, value: string): Promise<void> {
    await using client = await server.client();
    await client.command("SET", key, value);
  }

  /** Whose connection a Sentinel tells of switches. */
  async function watchers(sentinel: RedisServer): Promise<number> {
    const list = await sentinel.command("CLIENT", "LIST");
    return [...new TextDecoder().decode(list as Uint8Array).matchAll(/ sub=1 /g)].length;
  }

  async function becomesWatched(sentinel: RedisServer, by: number): Promise<void> {
    while (await watchers(sentinel) < by) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Reads until the key is set so; answers the events before that, without those of Sentinels. */
  async function untilSet(reader: Reader, value: string): Promise<NsyncEvent[]> {
    const { before } = await reader.until("cmd", ({ args }) => args[1] === value);
    return before.filter(({ type }) => type !== "cmd");
  }

  function words(events: readonly NsyncEvent[]): string[] {
    return events.map((one) => one.type === "error" ? one.error.code : one.type);
  }

  it("goes to the new master at once, while the connection to the old one lives", async () => {
    const [first, second, third] = watched.sentinels;
    await using reader = new Reader(link({ sentinels: [at(second)] }));
    // Its Sentinel hangs before it has anything to tell.
    await using other = new Reader(link({ sentinels: [at(first)], connectTimeout: 500 }));
    await reader.until("eof");
    await other.until("eof");
    const old = await master();
    assert.equal(reader.link.status().address, at(old));
    await becomesWatched(first, 1);
    first.freeze(true);
    await set(old, "k", "before");
    assert.deepEqual(await untilSet(reader, "before"), []);
    const { replId } = reader.link.status();
    const pulling = other.until("error");
    await Promise.race([becomesWatched(second, 2), becomesWatched(third, 1)]);
    old.freeze(true);
    const began = performance.now();
    await failOver(second);
    for (const { event } of [await reader.until("error"), await pulling]) {
      assert.equal(event.error.code, "CLOSED");
      assert.match(event.error.message, /^The master mymaster is 127\.0\.0\.1:\d+ now/);
    }
    await reader.expect("resume");
    await other.expect("resume");
    assert.ok(performance.now() - began < SOON);
    const now = await serverOf(reader.link, "master");
    assert.notEqual(now, old);
    const status = reader.link.status();
    assert.equal(status.reconnects, 1);
    assert.notEqual(status.replId, replId);
    await set(now, "k", "after");
    assert.deepEqual(await untilSet(reader, "after"), []);
    assert.deepEqual(await untilSet(other, "after"), []);
    old.freeze(false);
    first.freeze(false);
    await healed();
  });

  it("hears of a switch from another Sentinel when its own one is killed", async () => {
    const [first, second, third] = watched.sentinels;
    await using reader = new Reader(link({ sentinels: [at(first)] }));
    await reader.until("eof");
    await becomesWatched(first, 1);
    await first.kill();
    const pulling = reader.until("error");
    await Promise.race([becomesWatched(second, 1), becomesWatched(third, 1)]);
    await failOver(second);
    const { event } = await pulling;
    assert.equal(event.error.code, "CLOSED");
    // A master that goes on while another one is made may have come further than that one.
    assert.match((await reader.next()).type, /^(resume|reset)$/);
    const now = await serverOf(reader.link, "master");
    await set(now, "k", "switched");
    const between = words(await untilSet(reader, "switched"));
    assert.doesNotMatch(between.join(" "), /error|reset|resume/);
    await first.start();
    await hasten(first);
    await healed();
  });

  it("to a replica stays with the replicas, at the same place of the same stream", async () => {
    await using reader = new Reader(link({ role: "replica" }));
    await reader.until("eof");
    const source = await master();
    const replica = await serverOf(reader.link, "slave");
    const { replId } = reader.link.status();
    let number = 0;
    let writing = true;
    const writer = (async () => {
      while (writing) await set(source, "n", String(number++));
    })();
    await untilSet(reader, "20");
    await replica.kill();
    const others: NsyncEvent[] = [];
    for (let due = 21; due < 400 || others.length < 2;) {
      const event = await reader.next();
      if (event.type !== "cmd") others.push(event);
      else if (event.args[0] === "n") assert.equal(event.args[1], String(due++));
    }
    writing = false;
    await writer;
    assert.deepEqual(words(others), ["CLOSED", "resume"]);
    assert.equal(reader.link.status().replId, replId);
    assert.notEqual(await serverOf(reader.link, "slave"), replica);
    await replica.start();
    await healed();
  });

  it("to a replica waits where there is none, and makes do with the master where it may", async () => {
    const source = await master();
    const replicas = watched.servers.filter((one) => one !== source);
    for (const one of replicas) await one.kill();
    for (const sentinel of watched.sentinels) await knows(sentinel, { replicas: 0, sentinels: 2 });
    await using wants = new Reader(link({ role: "replica", reconnect: { min: 20, max: 200 } }));
    await using prefers = new Reader(link({ role: "prefer-replica" }));
    await prefers.until("eof");
    assert.equal(await serverOf(prefers.link, "master"), source);
    const { error } = await wants.expect("error");
    assert.deepEqual([error.code, error.retriable], ["ROLE", true]);
    assert.match(error.message, /no replica of mymaster .*"prefer-replica"/);
    const pulling = wants.until("eof");
    for (const one of replicas) await one.start();
    await pulling;
    await serverOf(wants.link, "slave");
    await healed();
    // Where there are some, they are preferred.
    await using again = new Reader(link({ role: "prefer-replica" }));
    await again.until("eof");
    await serverOf(again.link, "slave");
  });

  it("leaves nothing open at a Sentinel when it is closed", async () => {
    const reader = new Reader(link());
    await reader.until("eof");
    await becomesWatched(watched.sentinels[0], 1);
    await reader.link.close();
    for (const sentinel of watched.sentinels) {
      while (await watchers(sentinel) > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });

  it("waits for another master when its own one is killed", async () => {
    await using reader = new Reader(link());
    await reader.until("eof");
    await mayFailOver(watched.sentinels[1]);
    const old = await master();
    await old.kill();
    const { before } = await reader.until("resume");
    const told = words(before.filter(({ type }) => type !== "cmd"));
    assert.match(told.join(" "), /^CLOSED( (CONNECT|ROLE|CLOSED))*$/);
    const now = await serverOf(reader.link, "master");
    await set(now, "k", "promoted");
    await untilSet(reader, "promoted");
  });
});
