import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import {
  type Checkpoint,
  type Link,
  nsync,
  type NsyncEvent,
  type NsyncOptions,
} from "../../mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { Peer } from "../transport/peer.ts";
import { Leftovers } from "./leftovers.ts";
import { type Stage, type StageKind, stages } from "./stages.ts";
import { until } from "./until.ts";

const NOWHERE: Checkpoint = { load: () => undefined, save: () => {} };
/** Milliseconds in which a link must be closed. */
const SOON = 2000;

/** Ways to consume a link: each gives what the consumer gets in the end. */
type Consume = (link: Link, seen: NsyncEvent[]) => Promise<unknown>;

const consumers: Readonly<Record<string, Consume>> = {
  "a loop": async (link, seen) => {
    for await (const event of link) seen.push(event);
  },
  "a loop over batches": async (link, seen) => {
    for await (const batch of link.batches()) seen.push(...batch);
  },
};

/** A way to end a link; `stop` is what its signal belongs to. */
type Ending = (link: Link, stop: AbortController) => Promise<unknown>;

const endings: Readonly<Record<string, Ending>> = {
  "close()": (link) => link.close(),
  "its signal": (link, stop) => {
    stop.abort("enough");
    return link.closed;
  },
  "the end of its scope": (link) => link[Symbol.asyncDispose](),
  "close() and its signal at once": async (link, stop) => {
    const closing = link.close();
    stop.abort("enough");
    await closing;
  },
};

/** Ends a link in one of the ways, which must not take long, and settles all that waits. */
async function ended(
  link: Link,
  ending: Ending,
  stop: AbortController,
  waiting: readonly Promise<unknown>[],
): Promise<void> {
  const since = performance.now();
  await ending(link, stop);
  await Promise.allSettled(waiting);
  await link.closed;
  await link.close();
  assert.ok(performance.now() - since < SOON, `${performance.now() - since} ms`);
  assert.equal(link.status().phase, "closed");
  assert.equal(link.status().bufferedBytes, 0);
}

/** Links whose consumer takes one thing and never comes back. */
const stopping: readonly ((options: NsyncOptions) => Link)[] = [
  (options) => {
    const link = nsync(options);
    void link[Symbol.asyncIterator]().next();
    return link;
  },
  (options) => {
    const link = nsync(options);
    void link.batches().next();
    return link;
  },
  (options) => nsync({ ...options, callback: () => new Promise(() => {}) }),
];

/** A test after which no timers, sockets or files may be left. */
function leavesNothing(name: string, test: () => Promise<void>): void {
  it(name, async () => {
    using left = Leftovers.watch();
    await test();
    await left.assertNone();
  });
}

describe("a link that is closed leaves nothing behind", () => {
  for (const kind of stages) {
    leavesNothing(`${kind.name}`, async () => {
      // Where nobody answers, nobody tells one link from another.
      const shared = kind.phase === "connecting" ? await kind.set() : undefined;
      await Promise.all(
        Object.values(endings).flatMap((ending) =>
          Object.values(consumers).map(async (consume) => {
            const stage = shared ?? await kind.set();
            await endStage(kind, stage, consume, ending);
            if (shared === undefined) await stage[Symbol.asyncDispose]();
          })
        ),
      );
      await shared?.[Symbol.asyncDispose]();
    });
  }

  async function endStage(
    kind: StageKind,
    stage: Stage,
    consume: Consume,
    ending: Ending,
  ): Promise<void> {
    const stop = new AbortController();
    const link = nsync({ ...stage.options, signal: stop.signal });
    const seen: NsyncEvent[] = [];
    const consuming = consume(link, seen);
    await until(() => link.status().phase === kind.phase && seen.at(-1)?.type === kind.last);
    await ended(link, ending, stop, [consuming, link.ready]);
    await stage.left();
  }

  leavesNothing("before it was started", async () => {
    for (const ending of Object.values(endings)) {
      const stop = new AbortController();
      const link = nsync({ port: 1, signal: stop.signal, slow: "spool", checkpoint: NOWHERE });
      const iterator = link[Symbol.asyncIterator]();
      await ended(link, ending, stop, [link.ready]);
      const next = await iterator.next().catch((reason) => reason);
      assert.ok(next === "enough" || next.done, String(next));
    }
  });

  const [, , , beforeSnapshot, inSnapshot, inStream] = stages;
  const stopped: readonly (readonly [string, StageKind, NsyncOptions])[] = [
    ["in the snapshot, whose consumer has stopped", inSnapshot, { highWaterMark: 1 }],
    ["in the stream, whose consumer has stopped", inStream, { highWaterMark: 1 }],
    ["in the snapshot, with a spool", inSnapshot, { highWaterMark: 1, slow: "spool" }],
    ["in the stream, with a spool", inStream, { highWaterMark: 1, slow: "spool" }],
  ];
  for (const [name, kind, options] of stopped) {
    leavesNothing(`${name}`, async () => {
      await Promise.all(
        Object.values(endings).map(async (ending) => {
          await using stage = await kind.set();
          await Promise.all(stopping.map(async (open) => {
            const stop = new AbortController();
            const link = open({ ...stage.options, ...options, signal: stop.signal });
            await until(() => link.status().bufferedBytes > 0);
            await ended(link, ending, stop, [link.ready]);
          }));
          await stage.left();
        }),
      );
    });
  }

  leavesNothing("when its consumer leaves or throws", async () => {
    await using stage = await inStream.set();
    for await (const event of nsync(stage.options)) if (event.type === "cmd") break;
    for await (const batch of nsync(stage.options).batches()) if (batch.length > 0) break;
    const thrown = new Error("from the body");
    await assert.rejects(async () => {
      for await (const _ of nsync(stage.options)) throw thrown;
    }, (error) => error === thrown);
    const link = nsync({
      ...stage.options,
      callback() {
        throw thrown;
      },
    });
    assert.equal(await link.closed, thrown);
    await stage.left();
  });

  leavesNothing("after an error that ended it", async () => {
    await using peer = await Peer.tcp((socket) => void socket.end("-ERR no\r\n"));
    for (const end of [(link: Link) => link.close(), () => Promise.resolve()]) {
      const link = nsync({ port: peer.port, slow: "spool", checkpoint: NOWHERE });
      await assert.rejects(link[Symbol.asyncIterator]().next(), { code: "PROTOCOL" });
      await end(link);
      assert.ok(await link.closed instanceof Error);
    }
  });

  leavesNothing("while it looks whether a server wants TLS", async () => {
    for (const ending of Object.values(endings)) {
      let connections = 0;
      await using peer = await Peer.tcp((socket) => {
        if (connections++ === 0) socket.end();
        socket.resume();
        socket.on("error", () => {}).on("end", () => socket.end());
      });
      const stop = new AbortController();
      const link = nsync({ port: peer.port, signal: stop.signal });
      const next = link[Symbol.asyncIterator]().next();
      await until(() => connections === 2);
      await ended(link, ending, stop, [next]);
    }
  });

  leavesNothing("while its checkpoint is loaded, and nobody knows for how long", async () => {
    for (const ending of Object.values(endings)) {
      const stop = new AbortController();
      let asked = false;
      const load = () => {
        asked = true;
        return new Promise<undefined>(() => {});
      };
      const checkpoint = { load, save: () => assert.fail("nothing to save") };
      const link = nsync({ port: 1, checkpoint, signal: stop.signal });
      const next = link[Symbol.asyncIterator]().next();
      await until(() => asked);
      await ended(link, ending, stop, [next, link.ready]);
    }
  });

  leavesNothing("once its position is saved", async () => {
    for (const ending of Object.values(endings)) {
      await using stage = await inStream.set();
      const stop = new AbortController();
      const saved: unknown[] = [];
      const checkpoint = {
        ...NOWHERE,
        save: (position: unknown) =>
          new Promise((resolve) => {
            setTimeout(() => resolve(saved.push(position)), 30);
          }),
      };
      const options = { ...stage.options, checkpoint, signal: stop.signal };
      const link = nsync({ ...options, checkpointInterval: 1_000_000, callback: () => {} });
      await link.ready;
      await until(() => link.status().lagBytes === 0);
      await ended(link, ending, stop, []);
      assert.deepEqual(saved.at(-1), link.position);
      await stage.left();
    }
  });

  leavesNothing("while it must not ask for another snapshot", async () => {
    await using stage = await inSnapshot.set();
    const stop = new AbortController();
    const link = nsync({
      ...stage.options,
      replTimeout: 50,
      reconnect: () => 0,
      minFullSyncInterval: 1_000_000,
      signal: stop.signal,
      callback: () => {},
    });
    await until(() => link.status().phase === "reconnecting");
    await new Promise((resolve) => setTimeout(resolve, 20));
    await ended(link, endings["close()"], stop, [link.ready]);
    await stage.left();
  });

  leavesNothing("while a Sentinel, or the second of several hosts, does not answer", async () => {
    await using silent = await Peer.tcp((socket) => {
      socket.resume();
      socket.on("error", () => {}).on("end", () => socket.end());
    });
    const address = `127.0.0.1:${silent.port}`;
    const cases: readonly NsyncOptions[] = [
      { sentinels: [address], name: "main" },
      { hosts: ["127.0.0.1:1", address] },
    ];
    for (const options of cases) {
      for (const ending of Object.values(endings)) {
        const { length } = silent.sockets;
        const stop = new AbortController();
        const link = nsync({ ...options, signal: stop.signal });
        const next = link[Symbol.asyncIterator]().next();
        await until(() => silent.sockets.length > length);
        await ended(link, ending, stop, [next]);
      }
    }
  });

  leavesNothing("while it waits for the snapshot of others", async () => {
    await using stage = await beforeSnapshot.set();
    const link = nsync({ ...stage.options, callback: () => {} });
    const waiting = [link.ready, link.ready, link.closed];
    await until(() => link.status().phase === "snapshot");
    await ended(link, endings["close()"], new AbortController(), waiting);
    await stage.left();
  });
});

describeWithServer("a server forgets a link that is closed", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ config: { "enable-debug-command": "yes" } });
    await server.command("DEBUG", "POPULATE", "5000", "key", "500");
  });
  afterAll(() => server.stop());

  /** The clients with that name. */
  async function clients(name: string): Promise<string[]> {
    const list = new TextDecoder().decode(await server.command("CLIENT", "LIST") as Uint8Array);
    return list.split("\n").filter((line) => line.includes(` name=${name} `));
  }

  async function assertForgotten(link: Link, name: string): Promise<void> {
    assert.equal((await clients(name)).length, 1);
    await link.close();
    const since = performance.now();
    while ((await clients(name)).length > 0) assert.ok(performance.now() - since < SOON);
  }

  leavesNothing("while it waits for a fork", async () => {
    await server.command("CONFIG", "SET", "repl-diskless-sync-delay", "60");
    const link = nsync(server.url, { clientName: "waiting", callback: () => {} });
    while ((await clients("waiting")).length === 0);
    await assertForgotten(link, "waiting");
    await server.command("CONFIG", "SET", "repl-diskless-sync-delay", "0");
  });

  leavesNothing(
    "while a snapshot comes, to a consumer that stands and to one that goes",
    async () => {
      await server.command("CONFIG", "SET", "rdb-key-save-delay", "200");
      const going = nsync(server.url, { clientName: "going", callback: () => {} });
      await until(() => going.status().phase === "snapshot");
      await assertForgotten(going, "going");
      const standing = nsync(server.url, { clientName: "standing", highWaterMark: 1 });
      await standing[Symbol.asyncIterator]().next();
      await assertForgotten(standing, "standing");
      await server.command("CONFIG", "SET", "rdb-key-save-delay", "0");
    },
  );

  leavesNothing("in the stream, idle and busy", async () => {
    const link = nsync(server.url, { clientName: "idle", callback: () => {} });
    await link.ready;
    await assertForgotten(link, "idle");
    let over = false;
    const client = await server.client();
    const writing = (async () => {
      while (!over) await client.command("SET", "k", "v".repeat(100_000));
    })();
    const busy = nsync(server.url, { clientName: "busy" });
    let commands = 0;
    for await (const event of busy) {
      if (event.type !== "cmd" || ++commands < 100) continue;
      assert.equal((await clients("busy")).length, 1);
      break;
    }
    while ((await clients("busy")).length > 0);
    over = true;
    await writing;
    await client.close();
  });
});
