import assert from "node:assert/strict";
import { inspect } from "node:util";
import { describe, it } from "@std/testing/bdd";
import {
  type CmdEvent,
  type EventBatch,
  type Link,
  nsync,
  NsyncError,
  type NsyncErrorCode,
  type NsyncEvent,
  type NsyncOptions,
} from "../../mod.ts";
import { expectedCommands, recordingNamed } from "../support/recording.ts";
import { startReplay } from "../support/replay_server.ts";
import { encodeCommand } from "../support/resp_encoder.ts";
import { Reader } from "./reader.ts";
import { type Answer, greets, ScriptedMaster } from "./scripted_master.ts";
import { type StageKind, stages } from "./stages.ts";
import { until } from "./until.ts";

const recording = recordingNamed("redis-7.0.15/disk");
const { commands, position: end } = expectedCommands(recording, 0);

/** Takes `count` commands and everything before them. */
async function take(reader: Reader, count: number): Promise<NsyncEvent[]> {
  const events: NsyncEvent[] = [];
  for (let seen = 0; seen < count;) {
    const event = await reader.next();
    events.push(event);
    if (event.type === "cmd") seen++;
  }
  return events;
}

function coded(code: NsyncErrorCode): (error: unknown) => boolean {
  return (error) => NsyncError.is(error) && error.code === code;
}

describe("an iterator", () => {
  it("closes the link when its loop is left", async () => {
    await using replay = await startReplay(recording);
    const link = nsync(replay.url);
    let events = 0;
    for await (const event of link) {
      events++;
      if (event.type === "eof") break;
    }
    assert.ok(events > 2);
    assert.equal(await link.closed, undefined);
    assert.equal(link.status().phase, "closed");
    await replay.clients[0].closed;
  });

  it("closes the link when its loop throws", async () => {
    await using replay = await startReplay(recording);
    const link = nsync(replay.url);
    const thrown = new Error("from the body");
    const looping = (async () => {
      for await (const _ of link) throw thrown;
    })();
    await assert.rejects(looping, thrown);
    assert.equal(await link.closed, undefined);
    await replay.clients[0].closed;
  });

  it("answers concurrent calls in order", async () => {
    await using replay = await startReplay(recording, { chunks: { seed: 4 } });
    await using link = nsync(replay.url);
    const iterator = link[Symbol.asyncIterator]();
    const offsets: number[] = [];
    while (offsets.length < commands.length) {
      const calls = Array.from({ length: 7 }, () => iterator.next());
      for (const { value } of await Promise.all(calls.slice(0, commands.length - offsets.length))) {
        if (value?.type === "cmd") offsets.push(value.offset);
      }
      if (offsets.length + 7 > commands.length) break;
    }
    assert.deepEqual(offsets, commands.slice(0, offsets.length).map(({ offset }) => offset));
    assert.ok(offsets.length + 7 > commands.length);
  });

  it("ends waiting calls when it returns", async () => {
    await using replay = await startReplay(recording);
    await using reader = new Reader(nsync(replay.url));
    await take(reader, commands.length);
    const iterator = reader.iterator;
    const waiting = [iterator.next(), iterator.next()];
    const returned = iterator.return?.();
    const over = { done: true, value: undefined };
    assert.deepEqual(await Promise.all([...waiting, returned]), [over, over, over]);
    assert.deepEqual(await iterator.next(), over);
  });

  it("gives nothing more once the link is closed", async () => {
    await using replay = await startReplay(recording);
    await using reader = new Reader(nsync(replay.url));
    await take(reader, 3);
    await reader.link.close();
    await reader.expectEnd();
    assert.equal(await reader.link.closed, undefined);
  });

  it("gives nothing more once the signal is aborted", async () => {
    await using replay = await startReplay(recording);
    const abort = new AbortController();
    await using reader = new Reader(nsync(replay.url, { signal: abort.signal }));
    await take(reader, 3);
    const reason = new Error("enough");
    abort.abort(reason);
    assert.equal(await reader.failure(), reason);
    await reader.expectEnd();
    assert.equal(await reader.link.closed, reason);
  });

  for (const how of ["pull", "close", "abort"]) {
    it(`gives what came before an error, then the error, or ends before it: ${how}`, async () => {
      const psync: Answer = (socket) => {
        socket.write(`+FULLRESYNC ${"a".repeat(40)} 1\r\n$18\r\n`);
        socket.write(`REDIS0009\xff${"\0".repeat(8)}`, "latin1");
        socket.write("*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n*2\r\n$3\r\nDEL\r\n$9999\r\n");
      };
      await using master = await ScriptedMaster.start(greets(psync));
      const abort = new AbortController();
      await using reader = new Reader(
        nsync({ port: master.port, maxBlobBytes: 1000, signal: abort.signal }),
      );
      const { link } = reader;
      await reader.expect("reset");
      await master.allClosed();
      assert.equal(link.status().lastError?.code, "LIMIT");
      if (how === "pull") {
        await reader.until("cmd");
        const error = await reader.failure();
        assert.ok(NsyncError.is(error) && error.code === "LIMIT");
        assert.equal(await link.closed, error);
      } else if (how === "close") {
        await link.close();
        assert.equal(await link.closed, undefined);
      } else {
        abort.abort("enough");
        assert.equal(await reader.failure(), "enough");
        assert.equal(await link.closed, "enough");
      }
      await reader.expectEnd();
    });
  }

  it("is the only consumer", async () => {
    await using replay = await startReplay(recording);
    for (const first of ["iterator", "batches", "callback", "close"]) {
      const link = nsync(replay.url, first === "callback" ? { callback: () => {} } : {});
      if (first === "iterator") link[Symbol.asyncIterator]();
      if (first === "batches") link.batches();
      if (first === "close") await link.close();
      assert.throws(() => link[Symbol.asyncIterator](), coded("OPTION"));
      assert.throws(() => link.batches(), coded("OPTION"));
      await link.close();
    }
  });
});

describe("batches()", () => {
  it("has the events of the iterator", async () => {
    await using replay = await startReplay(recording);
    await using reader = new Reader(nsync(replay.url));
    const expected = (await take(reader, commands.length)).map((event) => JSON.stringify(event));
    await using link = nsync(replay.url);
    const events: string[] = [];
    const lines: string[] = [];
    for await (const batch of link.batches()) {
      assert.equal([...batch].length, batch.length);
      assert.ok(batch.length > 0);
      events.push(...[...batch].map((event) => JSON.stringify(event)));
      lines.push(...new TextDecoder().decode(batch.ndjson()).split("\n").slice(0, -1));
      if (events.length >= expected.length) break;
    }
    assert.deepEqual(events, expected);
    assert.deepEqual(lines, expected);
    assert.equal(await link.closed, undefined);
  });

  it("stand before the position that is saved with them", async () => {
    await using replay = await startReplay(recording, { chunks: { seed: 9 } });
    await using link = nsync(replay.url);
    const replId = recording.connections[0].replId;
    let seen = 0;
    for await (const batch of link.batches()) {
      const last = lastCommand(batch);
      if (last === undefined) continue;
      seen = commands.findIndex(({ offset }) => offset === last.offset) + 1;
      const { position } = link;
      assert.ok(position !== undefined);
      assert.equal(position.replId, replId);
      // Behind the last command: at most what the link took in by itself lies between.
      assert.ok(position.offset >= commands[seen - 1].position.offset);
      assert.ok(position.offset <= (commands[seen]?.offset ?? Infinity));
      if (seen === commands.length) break;
    }
    assert.equal(seen, commands.length);
  });

  it("acknowledges what holds no events", async () => {
    await using replay = await startReplay(recording);
    await using link = nsync(replay.url);
    const iterator = link.batches();
    for (let seen = 0; seen < commands.length;) {
      const { value } = await iterator.next();
      if (value !== undefined) seen += [...value].filter(({ type }) => type === "cmd").length;
    }
    const pending = iterator.next();
    const ping = encodeCommand("PING");
    const [client] = replay.clients;
    await client.streamed;
    await client.send(ping);
    await client.send(ping);
    await client.acked(end.offset + 2 * ping.length);
    await link.close();
    assert.equal((await pending).done, true);
  });

  it("give nothing more once the link is closed or aborted", async () => {
    await using replay = await startReplay(recording);
    const abort = new AbortController();
    const link = nsync(replay.url, { signal: abort.signal });
    const iterator = link.batches();
    await iterator.next();
    abort.abort("why");
    await assert.rejects(iterator.next(), (reason) => reason === "why");
    const other = nsync(replay.url);
    const batches = other.batches();
    await batches.next();
    await other.close();
    assert.equal((await batches.next()).done, true);
  });
});

function lastCommand(batch: EventBatch): CmdEvent | undefined {
  return [...batch].filter((event) => event.type === "cmd").at(-1);
}

/** A callback that runs a while for each event. */
class Recorder {
  readonly events: NsyncEvent[] = [];
  running = 0;
  most = 0;
  readonly #pause: () => Promise<void>;

  constructor(pause: () => Promise<void>) {
    this.#pause = pause;
  }

  readonly take = async (event: NsyncEvent): Promise<void> => {
    this.most = Math.max(this.most, ++this.running);
    await this.#pause();
    this.events.push(event);
    this.running--;
  };
}

describe("a callback", () => {
  it("gets the events of the iterator, one at a time", async () => {
    await using replay = await startReplay(recording);
    await using reader = new Reader(nsync(replay.url));
    const expected = (await take(reader, commands.length)).map((event) => JSON.stringify(event));
    const all = Promise.withResolvers<void>();
    const recorder = new Recorder(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      if (recorder.events.length + 1 === expected.length) all.resolve();
    });
    await using link = nsync(replay.url, { callback: recorder.take });
    await all.promise;
    await link.close();
    assert.deepEqual(recorder.events.map((event) => JSON.stringify(event)), expected);
    assert.equal(recorder.most, 1);
  });

  it("holds the stream up as long as it runs", async () => {
    await using replay = await startReplay(recording, { chunks: { seed: 2 } });
    const inHand = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const tenth = commands[9];
    let seen = 0;
    await using link = nsync(replay.url, {
      highWaterMark: 1000,
      callback: async (event) => {
        if (event.type !== "cmd" || ++seen !== 10) return;
        inHand.resolve();
        await released.promise;
      },
    });
    await inHand.promise;
    const [client] = replay.clients;
    const before = commands[8].position.offset;
    await client.acked(before);
    const acks = client.acks.length;
    await until(() => client.acks.length >= acks + 2);
    assert.equal(Math.max(...client.acks), before);
    assert.equal(seen, 10);
    assert.deepEqual(link.position?.offset, tenth.position.offset);
    released.resolve();
    await client.acked(end.offset);
    assert.equal(seen, commands.length);
  });

  for (const kind of ["throws", "rejects"]) {
    it(`ends the link when it ${kind}`, async () => {
      await using replay = await startReplay(recording);
      const thrown = new Error("from the callback");
      let calls = 0;
      const link = nsync(replay.url, {
        callback: (event) => {
          calls++;
          if (event.type !== "load") return;
          if (kind === "throws") throw thrown;
          return Promise.reject(thrown);
        },
      });
      const notReady = assert.rejects(link.ready, (error) => error === thrown);
      assert.equal(await link.closed, thrown);
      await notReady;
      await replay.clients[0].closed;
      const made = calls;
      await link.close();
      assert.equal(calls, made);
      assert.equal(link.status().phase, "closed");
      await assert.rejects(link.ready, (error) => error === thrown);
    });
  }

  for (const how of ["close", "abort"]) {
    it(`may ${how} the link and is not called again`, async () => {
      await using replay = await startReplay(recording);
      const abort = new AbortController();
      let over = false;
      let late = 0;
      const link: Link = nsync(replay.url, {
        signal: abort.signal,
        callback: async (event) => {
          if (over) late++;
          if (event.type !== "load") return;
          over = true;
          if (how === "close") await link.close();
          else abort.abort("enough");
        },
      });
      assert.equal(await link.closed, how === "close" ? undefined : "enough");
      await replay.clients[0].closed;
      await link.close();
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(late, 0);
    });
  }
});

describe("ready", () => {
  it("comes when the callback has handled the whole snapshot", async () => {
    await using replay = await startReplay(recording);
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    let handled = false;
    await using link = nsync(replay.url, {
      callback: async (event) => {
        if (event.type !== "eof") return;
        reached.resolve();
        await released.promise;
        handled = true;
      },
    });
    let ready = false;
    const waiting = link.ready.then(() => ready = true);
    await reached.promise;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(ready, false);
    released.resolve();
    await waiting;
    assert.equal(handled, true);
    await link.ready;
    await link.close();
    await link.ready;
  });

  it("comes with iterators and batches too", async () => {
    await using replay = await startReplay(recording);
    await using reader = new Reader(nsync(replay.url));
    const waiting = reader.next();
    const { ready } = reader.link;
    await waiting;
    await take(reader, 1);
    await ready;
    await using link = nsync(replay.url);
    const looping = (async () => {
      for await (const _ of link.batches());
    })();
    await link.ready;
    await link.close();
    await looping;
  });

  it("needs a consumer", async () => {
    await using link = nsync();
    await assert.rejects(link.ready, coded("OPTION"));
  });

  it("has a timeout", async () => {
    for (const { set } of stages.filter(({ name }) => /snapshot/.test(name))) {
      await using stage = await set();
      await using link = nsync({ ...stage.options, readyTimeout: 100, callback: () => {} });
      await assert.rejects(link.ready, coded("TIMEOUT"));
      assert.equal(link.status().phase, "snapshot");
    }
  });

  it("fails when the link is closed before", async () => {
    await using stage = await stages[1].set();
    const link = nsync({ ...stage.options, callback: () => {} });
    const { ready } = link;
    await link.close();
    await assert.rejects(ready, coded("CLOSED"));
    await assert.rejects(link.ready, coded("CLOSED"));
    const idle = nsync(stage.options);
    await idle.close();
    await assert.rejects(idle.ready, coded("CLOSED"));
  });
});

/** A consumer of a link that is held up in a stage. */
class Consumer {
  readonly link: Link;
  readonly events: NsyncEvent[] = [];
  /** Resolves when there will be no more events, with what was thrown. */
  readonly ended: Promise<unknown>;

  constructor(options: NsyncOptions, form: string) {
    const callback = (event: NsyncEvent): void => void this.events.push(event);
    this.link = nsync(form === "callback" ? { ...options, callback } : options);
    this.ended = form === "callback" ? this.link.closed : this.#iterate(form);
  }

  async #iterate(form: string): Promise<unknown> {
    try {
      if (form === "iterator") {
        for await (const event of this.link) this.events.push(event);
      } else {
        for await (const batch of this.link.batches()) this.events.push(...batch);
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** Waits until the link is where the stage holds it up. */
  async arrived({ phase, last }: StageKind): Promise<void> {
    await until(() => this.link.status().phase === phase && this.events.at(-1)?.type === last);
  }
}

for (const form of ["iterator", "batches", "callback"]) {
  describe(`a link with ${form} can be ended`, () => {
    for (const kind of stages) {
      it(`by close() ${kind.name}`, async () => {
        await using stage = await kind.set();
        const consumer = new Consumer(stage.options, form);
        const { link } = consumer;
        await consumer.arrived(kind);
        const { length } = consumer.events;
        const closing = link.close();
        assert.equal(link.status().phase, "closed");
        await Promise.all([closing, link.close()]);
        assert.equal(await consumer.ended, undefined);
        assert.equal(await link.closed, undefined);
        await stage.left();
        assert.equal(consumer.events.length, length);
        assert.equal(link.status().bufferedBytes, 0);
      });

      it(`by a signal ${kind.name}`, async () => {
        await using stage = await kind.set();
        const abort = new AbortController();
        const consumer = new Consumer({ ...stage.options, signal: abort.signal }, form);
        const { link } = consumer;
        await consumer.arrived(kind);
        const { length } = consumer.events;
        const reason = new Error("stop it");
        abort.abort(reason);
        assert.equal(link.status().phase, "closed");
        assert.equal(await consumer.ended, reason);
        assert.equal(await link.closed, reason);
        await stage.left();
        assert.equal(consumer.events.length, length);
      });
    }
  });
}

describe("a link", () => {
  it("that was never started can be closed", async () => {
    const link = nsync({ port: 1 });
    await link.close();
    assert.equal(await link.closed, undefined);
    assert.equal(link.status().phase, "closed");
  });

  it("that was never started can be aborted", async () => {
    const abort = new AbortController();
    const link = nsync({ port: 1, signal: abort.signal });
    abort.abort("no need");
    assert.equal(await link.closed, "no need");
    assert.equal(link.status().phase, "closed");
  });

  for (const form of ["iterator", "batches", "callback"]) {
    it(`with ${form} does not connect when its signal is aborted already`, async () => {
      await using replay = await startReplay(recording);
      const signal = AbortSignal.abort("from the start");
      const consumer = new Consumer({ url: replay.url, signal }, form);
      assert.equal(await consumer.ended, "from the start");
      assert.equal(await consumer.link.closed, "from the start");
      assert.equal(replay.clients.length, 0);
    });
  }

  it("ends by a timeout with the signal's own reason", async () => {
    await using stage = await stages[1].set();
    const signal = AbortSignal.timeout(50);
    const consumer = new Consumer({ ...stage.options, signal }, "iterator");
    const reason = await consumer.ended;
    assert.ok(reason instanceof DOMException && reason.name === "TimeoutError");
    assert.equal(reason, signal.reason);
  });

  it("is closed at the end of its scope", async () => {
    await using replay = await startReplay(recording);
    let escaped: Link;
    {
      await using link = nsync(replay.url, { callback: () => {} });
      await link.ready;
      escaped = link;
    }
    assert.equal(escaped.status().phase, "closed");
    assert.equal(await escaped.closed, undefined);
    await replay.clients[0].closed;
  });

  it("leaves no listener on its signal", async () => {
    await using replay = await startReplay(recording);
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    const link = nsync(replay.url, { signal, callback: () => {} });
    await link.ready;
    assert.ok(listeners > 0);
    await link.close();
    assert.equal(listeners, 0);
  });

  it("tells how it is doing", async () => {
    await using replay = await startReplay(recording);
    const link = nsync(replay.url);
    assert.deepEqual(link.status(), {
      phase: "idle",
      address: `127.0.0.1:${replay.port}`,
      server: undefined,
      replId: undefined,
      offset: undefined,
      deliveredOffset: undefined,
      lagBytes: undefined,
      snapshot: undefined,
      eventsPerSecond: 0,
      bytesPerSecond: 0,
      bufferedBytes: 0,
      reconnects: 0,
      lastError: undefined,
    });
    await using reader = new Reader(link);
    await take(reader, commands.length);
    const { phase, replId, offset, bufferedBytes } = link.status();
    assert.deepEqual(
      { phase, replId, offset, bufferedBytes },
      {
        phase: "live",
        replId: recording.connections[0].replId,
        offset: end.offset,
        bufferedBytes: 0,
      },
    );
  });
});

describe("options", () => {
  const wrong: readonly (readonly [name: string, options: object])[] = [
    ["unknown", { pasword: "x" }],
    ["port as text", { port: "6379" }],
    ["port 0", { port: 0 }],
    ["port with a fraction", { port: 1.5 }],
    ["port too large", { port: 65536 }],
    ["port not a number", { port: NaN }],
    ["host", { host: 5 }],
    ["path", { path: {} }],
    ["username", { username: 1, password: "x" }],
    ["username without password", { username: "u", password: undefined }],
    ["username without password in the URL", { url: "redis://u@h", password: undefined }],
    ["password", { password: 1234 }],
    ["url", { url: 7 }],
    ["url of another kind", { url: "http://localhost" }],
    ["url with a database", { url: "redis://localhost/3" }],
    ["url with broken escapes", { url: "redis://u:%zz@h" }],
    ["url without a scheme", { url: "localhost:6379" }],
    ["url with TLS, which is forbidden", { url: "rediss://localhost", tls: false }],
    ["listeningPort", { listeningPort: 70000 }],
    ["announceIp", { announceIp: 5 }],
    ["announceIp empty", { announceIp: "" }],
    ["announceIp too long", { announceIp: "x".repeat(256) }],
    ["commandNames", { commandNames: "PSYNC" }],
    ["commandNames unknown", { commandNames: { sync: "S" } }],
    ["commandNames empty", { commandNames: { psync: "" } }],
    ["checkpointInterval", { checkpointInterval: 0 }],
    ["minFullSyncInterval", { minFullSyncInterval: -1 }],
    ["callback", { callback: "f" }],
    ["callback null", { callback: null }],
    ["signal", { signal: new AbortController() }],
    ["connectTimeout", { connectTimeout: 0 }],
    ["connectTimeout too long for a timer", { connectTimeout: 2 ** 31 }],
    ["replTimeout", { replTimeout: -1 }],
    ["readyTimeout", { readyTimeout: Infinity }],
    ["highWaterMark", { highWaterMark: 0 }],
    ["maxBlobBytes", { maxBlobBytes: 0 }],
    ["maxStringBytes", { maxStringBytes: "1" }],
    ["maxTransactionBytes", { maxTransactionBytes: 1.5 }],
  ];

  for (const [name, options] of wrong) {
    it(`that are wrong throw: ${name}`, () => {
      assert.throws(() => nsync({ password: "s3cr3t", ...options }), (error) => {
        assert.ok(NsyncError.is(error), String(error));
        assert.equal(error.code, "OPTION");
        assert.doesNotMatch(error.message, /s3cr3t/);
        return true;
      });
    });
  }

  it("are an object", () => {
    for (const options of [null, 5, true]) {
      // @ts-expect-error what JavaScript may pass
      assert.throws(() => nsync(options), coded("OPTION"));
    }
  });

  it("take precedence over the parts of the URL", () => {
    const address = (options?: NsyncOptions) => nsync(options).status().address;
    assert.equal(nsync("redis://h:1", { port: 2 }).status().address, "h:2");
    assert.equal(address({ url: "valkey://h:1", host: "g" }), "g:1");
    assert.equal(address({ url: "unix:/tmp/a%20b" }), "unix:/tmp/a b");
    assert.equal(address({ url: new URL("redis://[::1]:7"), port: 8 }), "[::1]:8");
    assert.equal(address({ url: "unix:/tmp/a", host: "h" }), "h:6379");
    assert.equal(address(), "127.0.0.1:6379");
  });

  it("do not print credentials", () => {
    const link = nsync("redis://user:s3cr3t@h");
    for (
      const text of [
        JSON.stringify(link),
        String(link),
        inspect(link, { depth: 9, showHidden: true }),
      ]
    ) {
      assert.doesNotMatch(text, /s3cr3t/);
    }
  });
});
