import { type ConfigValue, type RedisServer, startRedis } from "./redis.ts";
import { latin1 } from "./bytes.ts";
import type { Reply } from "./resp_client.ts";

/** What Sentinels watch. */
export const MASTER_NAME = "mymaster";

/** A master, its replicas, and the Sentinels that watch them. */
export interface Watched extends AsyncDisposable {
  /** All of them; which one is the master changes. */
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];
}

/** How they are started. */
export interface WatchedOptions {
  readonly replicas?: number;
  readonly sentinels?: number;
  /** What the Sentinels say to the servers. */
  readonly masterPassword?: string;
  /** Further directives of the servers. */
  readonly config?: Readonly<Record<string, ConfigValue>>;
  /** Further directives of the Sentinels. */
  readonly sentinelConfig?: Readonly<Record<string, ConfigValue>>;
}

/**
 * Milliseconds between what Sentinels do again and again, as SENTINEL DEBUG calls it. During a failover
 * INFO is asked for once a second in any case: five times the second is how old it may be then, and
 * four times the third what a Sentinel waits before it changes a role that should be another. One that
 * was frozen goes on as if it had not been.
 */
const PERIODS = {
  "info-period": 200,
  "ping-period": 400,
  "publish-period": 400,
  "ask-period": 100,
  "tilt-trigger": 60_000,
};

/**
 * Starts them, and waits until every Sentinel knows everything. There is no failover by itself while
 * not all of the Sentinels run, and {@link mayFailOver} was not called.
 */
export async function startWatched(options: WatchedOptions = {}): Promise<Watched> {
  const { replicas = 2, sentinels = 3, masterPassword, config, sentinelConfig } = options;
  const master = await startRedis({ config });
  const replicaof = `127.0.0.1 ${master.port}`;
  const others = await Promise.all(
    Array.from({ length: replicas }, () => startRedis({ config: { ...config, replicaof } })),
  );
  const watching = await Promise.all(Array.from({ length: sentinels }, async () => {
    const sentinel = await startRedis({
      sentinel: true,
      config: {
        "sentinel": [
          `monitor ${MASTER_NAME} 127.0.0.1 ${master.port} ${sentinels}`,
          `down-after-milliseconds ${MASTER_NAME} 500`,
          `failover-timeout ${MASTER_NAME} 2000`,
          `parallel-syncs ${MASTER_NAME} 5`,
          ...(masterPassword === undefined ? [] : [`auth-pass ${MASTER_NAME} ${masterPassword}`]),
        ],
        ...sentinelConfig,
      },
    });
    await hasten(sentinel);
    return sentinel;
  }));
  const watched: Watched = {
    servers: [master, ...others],
    sentinels: watching,
    async [Symbol.asyncDispose]() {
      await Promise.all([...watching, master, ...others].map((server) => server.stop()));
    },
  };
  try {
    for (const sentinel of watching) {
      await knows(sentinel, { replicas, sentinels: sentinels - 1 });
    }
    return watched;
  } catch (error) {
    await watched[Symbol.asyncDispose]();
    throw error;
  }
}

/** Lets a Sentinel, which was just started, look more often. */
export async function hasten(sentinel: RedisServer): Promise<void> {
  await sentinel.command("SENTINEL", "DEBUG", ...Object.entries(PERIODS).flat());
}

/** Lets one Sentinel begin a failover: when all do at once, each votes for itself, and they wait. */
export async function mayFailOver(sentinel: RedisServer): Promise<void> {
  await sentinel.command("SENTINEL", "SET", MASTER_NAME, "quorum", 1);
}

/** Has a Sentinel make another server the master, as soon as it finds one fit for that. */
export async function failOver(sentinel: RedisServer): Promise<void> {
  const before = await masterPort(sentinel);
  while (await masterPort(sentinel) === before) {
    await sentinel.command("SENTINEL", "FAILOVER", MASTER_NAME).catch((error) => {
      if (!/INPROG|NOGOODSLAVE/.test(String(error))) throw error;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until a Sentinel knows so many replicas that are in order, and so many other Sentinels. */
export async function knows(
  sentinel: RedisServer,
  { replicas, sentinels }: { readonly replicas: number; readonly sentinels: number },
): Promise<void> {
  for (;;) {
    const port = String(await masterPort(sentinel));
    const [known, others] = await Promise.all([
      fields(await sentinel.command("SENTINEL", "REPLICAS", MASTER_NAME)),
      fields(await sentinel.command("SENTINEL", "SENTINELS", MASTER_NAME)),
    ]);
    const fine = known.filter((one) =>
      one.flags === "slave" && one["role-reported"] === "slave" &&
      one["master-link-status"] === "ok" && one["master-port"] === port
    );
    if (fine.length === replicas && others.length === sentinels) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The port of the master, as a Sentinel sees it. */
export async function masterPort(sentinel: RedisServer): Promise<number> {
  const reply = await sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME);
  return Array.isArray(reply) ? Number(textOf(reply[1])) : NaN;
}

function fields(reply: Reply): Record<string, string>[] {
  return (Array.isArray(reply) ? reply : []).map((one) => {
    const words = (Array.isArray(one) ? one : []).map(textOf);
    return Object.fromEntries(
      words.flatMap((word, i) => i % 2 === 0 ? [[word, words[i + 1]]] : []),
    );
  });
}

function textOf(reply: Reply): string {
  return reply instanceof Uint8Array ? latin1(reply) : String(reply);
}
