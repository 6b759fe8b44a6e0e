import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { keyPositions } from "../src/commands.ts";
import { latin1 } from "./support/bytes.ts";
import { parseCommands } from "./support/command_stream.ts";
import { describeWithServer } from "./support/describe_with_server.ts";
import { recordingFixtures } from "./support/fixtures.ts";
import { loadRecording } from "./support/recording.ts";
import { type RedisServer, startRedis } from "./support/redis.ts";
import { type RedisClient, ReplyError, type TextReply } from "./support/resp_client.ts";

/** Positions of the keys of a command given as its words, the name first. */
function positions(words: readonly string[]): readonly number[] | undefined {
  const [name, ...args] = words;
  return keyPositions(name.toLowerCase(), args.length, (i) => {
    assert.ok(i >= 0 && i < args.length, `${words.join(" ")} has no argument ${i}`);
    return args[i];
  });
}

/** The keys themselves. */
function keys(words: readonly string[]): string[] | undefined {
  return positions(words)?.map((i) => words[i + 1]);
}

/** One command or subcommand of the server's COMMAND reply. */
interface ServerCommand {
  /** The words that name it: `["XGROUP", "CREATE"]`. */
  readonly words: readonly string[];
  /** The number of words, names included; negative for a least number. */
  readonly arity: number;
  readonly flags: readonly string[];
}

async function serverCommands(client: RedisClient): Promise<ServerCommand[]> {
  const found: ServerCommand[] = [];
  const visit = (reply: TextReply) => {
    assert.ok(Array.isArray(reply));
    const [name, arity, flags, ...rest] = reply;
    assert.ok(typeof arity === "number" && Array.isArray(flags));
    found.push({ words: String(name).split("|"), arity, flags: flags.map(String) });
    const subcommands = rest[6];
    if (Array.isArray(subcommands)) subcommands.forEach(visit);
  };
  const commands = await client.text("COMMAND");
  assert.ok(Array.isArray(commands));
  commands.forEach(visit);
  return found;
}

/** The keys as the server sees them. */
async function serverKeys(client: RedisClient, words: readonly string[]): Promise<string[]> {
  if (words.length === 1) return []; // GETKEYS itself wants an argument
  try {
    const reply = await client.text("COMMAND", "GETKEYS", ...words);
    assert.ok(Array.isArray(reply));
    return reply.map(String);
  } catch (error) {
    if (error instanceof ReplyError && /has no key arguments/.test(error.message)) return [];
    throw error;
  }
}

/** Commands whose positions depend on what the arguments say. */
const MOVABLE: readonly string[] = [
  "SORT k",
  "SORT k STORE d",
  "sort k by w* get # get v* limit 0 1 desc alpha store d",
  "SORT k BY store STORE d",
  "SORT k GET store GET limit LIMIT 0 1 STORE d",
  "SORT k STORE d STORE e",
  "SORT k ASC STORE",
  "SORT store STORE d",
  "GEORADIUS k 1 2 3 km",
  "GEORADIUS k 1 2 3 km WITHDIST COUNT 5 STORE d",
  "georadius k 1 2 3 km storedist d asc",
  "GEORADIUSBYMEMBER k m 3 km STORE d",
  "GEORADIUSBYMEMBER k m 3 km",
  "ZUNIONSTORE d 1 a",
  "ZUNIONSTORE d 3 a b c WEIGHTS 1 2 3 AGGREGATE MAX",
  "ZINTERSTORE d 2 a b AGGREGATE MIN",
  "ZDIFFSTORE d 2 a b",
  "LMPOP 2 a b LEFT COUNT 3",
  "ZMPOP 1 a MIN",
  "BLMPOP 0 2 a b RIGHT",
  "BZMPOP 0 3 a b c MAX COUNT 2",
  "EVAL return 0",
  "EVAL return 2 a b x y",
  "EVALSHA abc 1 a x",
  "FCALL f 0 x",
  "FCALL f 3 a b c",
  "MIGRATE h 1 k 0 1000",
  "MIGRATE h 1 k 0 1000 COPY REPLACE AUTH keys",
  "XREADGROUP GROUP g c STREAMS a 1",
  "XREADGROUP GROUP streams c COUNT 2 BLOCK 5 NOACK STREAMS a b 1 2",
  "PFCOUNT a b c",
  "PFCOUNT a",
  "PUBLISH ch m",
  "SPUBLISH ch m",
  "SCRIPT LOAD s",
  "SCRIPT FLUSH",
  "FUNCTION LOAD f",
  "FUNCTION FLUSH ASYNC",
];

const MIGRATE_KEYS = ["MIGRATE", "h", "1", "", "0", "9", "AUTH2", "keys", "pw", "KEYS", "a", "b"];

describeWithServer("key positions, compared with COMMAND GETKEYS", () => {
  let server: RedisServer;
  let client: RedisClient;
  let commands: ServerCommand[];
  beforeAll(async () => {
    server = await startRedis();
    client = await server.client();
    commands = await serverCommands(client);
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });

  it("are the server's for every write command with fixed positions", async () => {
    let vectors = 0;
    for (const { words, arity, flags } of commands) {
      if (!flags.includes("write") || flags.includes("movablekeys")) continue;
      if (flags.includes("module")) continue;
      // PFMERGE with a destination alone is legal, but GETKEYS refuses it.
      const fewest = words[0] === "pfmerge" ? 2 : Math.abs(arity) - words.length;
      const most = arity > 0 ? fewest : fewest + 5;
      for (let argc = fewest; argc <= most; argc++) {
        const vector = [...words, ...Array.from({ length: argc }, (_, i) => `arg${i}`)];
        assert.deepEqual(keys(vector), await serverKeys(client, vector), vector.join(" "));
        vectors++;
      }
    }
    assert.ok(vectors > 300, `${vectors} vectors`);
  });

  it("are the server's where they depend on the arguments", async () => {
    for (const vector of [...MOVABLE.map((line) => line.split(" ")), MIGRATE_KEYS]) {
      assert.deepEqual(keys(vector), await serverKeys(client, vector), vector.join(" "));
    }
  });

  it("were compared for every write command with movable keys", () => {
    const compared = new Set(MOVABLE.map((line) => line.split(" ")[0].toLowerCase()));
    for (const { words, flags } of commands) {
      if (!flags.includes("write") || !flags.includes("movablekeys")) continue;
      // Newer than this comparison: among the expectations below.
      if (flags.includes("module") || words[0] === "msetex") continue;
      assert.ok(compared.has(words[0]), words[0]);
    }
  });
});

describe("key positions", () => {
  const expectations: Readonly<Record<string, readonly number[] | undefined>> = {
    "MSETEX 2 a 1 b 2 NX PXAT 99": [1, 3],
    "MSETEX 1 a 1": [1],
    "DELEX k IFEQ v": [0],
    "DELIFEQ k v": [0],
    "INCREX k": [0],
    "HSETEX k PXAT 5 FIELDS 1 f v": [0],
    "HGETEX k PERSIST FIELDS 1 f": [0],
    "HGETDEL k FIELDS 1 f": [0],
    "HPEXPIREAT k 5 FIELDS 1 f": [0],
    "HEXPIRE k 5 FIELDS 1 f": [0],
    "HPEXPIRE k 5 FIELDS 1 f": [0],
    "HEXPIREAT k 5 FIELDS 1 f": [0],
    "HPERSIST k FIELDS 1 f": [0],
    "HIMPORT SET k fs v": [1],
    "himport prepare fs f": [],
    "HIMPORT DISCARDALL": [],
    "HSETC k f v": [0],
    "XACKDEL k g KEEPREF IDS 1 1-1": [0],
    "XDELEX k IDS 1 1-1": [0],
    "XNACK k g FAIL IDS 1 1-1": [0],
    "XCFGSET k IDMP-MAXSIZE 5": [0],
    "XIDMPRECORD k p i 1-1": [0],
    "ARSET k 0 v": [0],
    "ARMSET k 0 v 1 w": [0],
    "ARINSERT k v": [0],
    "ARRING k 5 v": [0],
    "ARSEEK k 1": [0],
    "ARDEL k 1 2": [0],
    "ARDELRANGE k 1 2": [0],
    "GCRASETVALUE k 5": [0],
    "VADD k VALUES 1 0.5 e": [0],
    "VREM k e": [0],
    "VSETATTR k e {}": [0],
    "TRIMSLOTS RANGES 1 0 5": [],
    "CLUSTER SYNCSLOTS ESTABLISH SOURCE x": [],
    "EXPIREMEMBER k m 5": [0],
    "KEYDB.CRON k single 5 script": [0],
    "SFLUSH 0 5": [],
    "GEORADIUS k 1 2 3 km STORE d STOREDIST e": [0, 8], // only the last one is written
    "PFMERGE d": [0],
    "SELECT 3": [],
    "PING": [],
    "MULTI": [],
    "EXEC": [],
    "REPLCONF GETACK *": [],
    "SUBSTR k 0 1": undefined,
    "JSON.SET k $ 1": undefined,
    "RREPLAY uuid payload 0": undefined, // wraps other commands: its keys are not arguments
    "constructor a": undefined,
  };

  for (const [line, expected] of Object.entries(expectations)) {
    it(`are ${JSON.stringify(expected)} for ${line}`, () => {
      assert.deepEqual(positions(line.split(" ")), expected);
    });
  }

  it("never lie outside of the arguments, however wrong those are", () => {
    const names = MOVABLE.concat(Object.keys(expectations), "DEL k", "MSET k v", "BITOP AND d k")
      .map((line) => line.split(" ")[0]);
    const words = ["", "STORE", "KEYS", "STREAMS", "SET", "2", "99999999999999", "-1", "1.5", "x"];
    for (const name of new Set(names)) {
      for (let argc = 0; argc < 7; argc++) {
        for (let shift = 0; shift < words.length; shift++) {
          const args = Array.from(
            { length: argc },
            (_, i) => words[(i * 3 + shift) % words.length],
          );
          for (const i of positions([name, ...args]) ?? []) {
            assert.ok(Number.isInteger(i) && i >= 0 && i < argc, `${i} of ${[name, ...args]}`);
          }
        }
      }
    }
  });

  for (const { name, path } of recordingFixtures()) {
    it(`are known for every command recorded in ${name}`, () => {
      for (const { bytes, role, streamOffset } of loadRecording(path).connections) {
        if (role === "rdb") continue;
        for (const { words } of parseCommands(bytes.subarray(streamOffset)).commands) {
          const line = words.map(latin1);
          assert.notEqual(positions(line), undefined, line.slice(0, 5).join(" "));
        }
      }
    });
  }
});
