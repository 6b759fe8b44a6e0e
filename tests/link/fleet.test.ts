import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { describeWithServer } from "../support/describe_with_server.ts";
import { type RunningScript, startScript } from "../support/exit.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";

const PROCESSES = 4;
const LINKS = 50;
const FLEET = PROCESSES * LINKS;
/** A master that waits for no more than a second for others; by default it waits for five. */
const CONFIG = { "repl-diskless-sync-delay": 1 };
/** Forks that are few for a whole fleet, also on a slow machine. */
const FEW = FLEET / 10;

/** What a fleet did in one round. */
interface Round {
  readonly resets: number;
  readonly resumes: number;
  /** Connections to the master, in all and in the worst second. */
  readonly attempts: number;
  readonly worstSecond: number;
}

/** Links in several processes to one master behind a proxy. */
class Fleet {
  readonly #scripts: readonly RunningScript[];
  readonly #proxy: Proxy;
  #rounds = 0;
  #before = { resets: 0, resumes: 0 };

  constructor(proxy: Proxy) {
    const file = fileURLToPath(new URL("./fleet_child.ts", import.meta.url));
    const args = [proxy.url, String(LINKS)];
    this.#proxy = proxy;
    this.#scripts = Array.from(
      { length: PROCESSES },
      () => startScript({ file, args, timeoutMs: 120_000 }),
    );
  }

  /** Does something to the master and waits until all links are live again. */
  async round(action: () => void | Promise<void>): Promise<Round> {
    const attempts: number[] = [];
    const before = this.#proxy.accepted;
    const timer = setInterval(() => {
      const now = performance.now();
      while (before + attempts.length < this.#proxy.accepted) attempts.push(now);
    }, 5);
    this.#rounds++;
    const waiting = Promise.all(this.#scripts.map(async (script) => {
      const [, resets, resumes] = await script.printed(
        new RegExp(`round ${this.#rounds}: (\\d+) resets (\\d+) resumes`),
      );
      return { resets: Number(resets), resumes: Number(resumes) };
    }));
    await action();
    const counts = await waiting;
    clearInterval(timer);
    const now = {
      resets: counts.reduce((sum, { resets }) => sum + resets, 0),
      resumes: counts.reduce((sum, { resumes }) => sum + resumes, 0),
    };
    const { resets, resumes } = this.#before;
    this.#before = now;
    return {
      resets: now.resets - resets,
      resumes: now.resumes - resumes,
      attempts: this.#proxy.accepted - before,
      worstSecond: Math.max(
        0,
        ...attempts.map((at) => attempts.filter((one) => one >= at && one < at + 1000).length),
      ),
    };
  }

  /** Closes every link; each process must end by itself. */
  async end(): Promise<void> {
    await Promise.all(this.#scripts.map(async (script) => {
      script.endInput();
      const { code, stdout, stderr } = await script.ended;
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      assert.match(stdout, /closed\n$/);
    }));
  }
}

describeWithServer(`a fleet of ${FLEET} links`, () => {
  let server: RedisServer;
  let proxy: Proxy;
  let fleet: Fleet;
  beforeAll(async () => {
    server = await startRedis({ config: CONFIG });
    await server.command("MSET", ...Array.from({ length: 200 }, (_, i) => `${i}`));
    proxy = await startProxy({ port: server.port });
    fleet = new Fleet(proxy);
  });
  afterAll(async () => {
    await fleet.end();
    await proxy.close();
    await server.stop();
  });

  /** Forks of the master since it was started. */
  async function forks(): Promise<number> {
    return Number(/total_forks:(\d+)/.exec(await info("stats"))?.[1]);
  }

  async function info(section: string): Promise<string> {
    const reply = await server.command("INFO", section);
    return reply instanceof Uint8Array ? new TextDecoder().decode(reply) : String(reply);
  }

  it("shares the snapshots that it starts with", async () => {
    const { resets, attempts } = await fleet.round(() => {});
    assert.deepEqual({ resets, attempts }, { resets: FLEET, attempts: FLEET });
    assert.ok(await forks() < FEW, `${await forks()} forks`);
    assert.match(await info("replication"), new RegExp(`connected_slaves:${FLEET}`));
  });

  it("makes no fork when it loses its connections, and comes back once for each", async () => {
    const before = await forks();
    const { resets, resumes, attempts } = await fleet.round(() => proxy.cutNow());
    assert.deepEqual({ resets, resumes, attempts }, {
      resets: 0,
      resumes: FLEET,
      attempts: FLEET,
    });
    assert.equal(await forks(), before);
  });

  it("makes few when the master is killed and has forgotten everything", async () => {
    const { resets, worstSecond } = await fleet.round(async () => {
      proxy.refuse = true;
      await server.restart();
      await new Promise((resolve) => setTimeout(resolve, 500));
      proxy.refuse = false;
    });
    assert.ok(resets >= FLEET && resets < 2 * FLEET, `${resets} resets`);
    assert.ok(await forks() < FEW, `${await forks()} forks`);
    // A link tries again about twice in the first second, and less often then.
    assert.ok(worstSecond < 3 * FLEET, `${worstSecond} attempts in a second`);
  });

  it("makes none when the master is shut down and knows what it had", async () => {
    const { resets, resumes } = await fleet.round(() => server.restart("SAVE"));
    assert.deepEqual({ resets, resumes }, { resets: 0, resumes: FLEET });
    assert.equal(await forks(), 0);
  });
});
