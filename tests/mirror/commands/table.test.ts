import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { keyPositions } from "../../../src/commands.ts";
import { COMMANDS } from "../../../src/mirror/commands/table.ts";
import { describeWithServer } from "../../support/describe_with_server.ts";
import { MirrorState } from "../../support/mirror_state.ts";
import { fromLatin1 } from "../../support/bytes.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";
import type { RedisClient, TextReply } from "../../support/resp_client.ts";

/** Commands that are sent though servers do not say that they write. */
const UNFLAGGED = ["pfcount", "publish", "spublish", "eval", "evalsha", "fcall", "script"];

/** Commands with the flag of writing that newer servers have, as they document them. */
const NEWER = {
  "Redis 7.4 to 8.8":
    `hexpire hpexpire hexpireat hpexpireat hpersist hsetex hgetex hgetdel xackdel xdelex
    xnack xcfgset xidmprecord msetex delex increx arset armset ardel ardelrange arinsert arring arseek
    vadd vrem vsetattr trimslots himport`,
  "Valkey 8 and 9":
    `delifeq hexpire hpexpire hexpireat hpexpireat hpersist hsetex hgetex hgetdel msetex
    cluster`,
  "KeyDB": "expiremember expirememberat pexpirememberat keydb.cron keydb.hrename rreplay",
};

function list(reply: TextReply): TextReply[] {
  assert.ok(Array.isArray(reply));
  return reply;
}

/** The names of all commands, and of subcommands like `xgroup|create`, that have a flag. */
async function flagged(client: RedisClient, flag: string): Promise<string[]> {
  const names: string[] = [];
  const walk = (commands: TextReply): void => {
    for (const command of list(commands)) {
      const [name, , flags, , , , , , , subcommands] = list(command);
      if (list(flags).includes(flag)) names.push(String(name));
      if (Array.isArray(subcommands)) walk(subcommands);
    }
  };
  walk(await client.text("COMMAND"));
  return names;
}

describeWithServer("every command that the server calls a writing one", () => {
  let server: RedisServer;
  let client: RedisClient;
  beforeAll(async () => {
    server = await startRedis();
    client = await server.client();
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });

  it("is applied, or cannot be for a reason", async () => {
    const names = await flagged(client, "write");
    assert.ok(names.length > 100, `${names.length}`);
    assert.ok(names.includes("xgroup|create"));
    for (const name of names) {
      const [command, action] = name.split("|");
      const rule = COMMANDS.get(command);
      assert.ok(rule !== undefined, name);
      if (action === undefined) continue;
      // A subcommand that is not known would be told by these words.
      const state = new MirrorState();
      state.apply({
        name: "xgroup",
        args: ["CREATE", "s", "g", "0", "MKSTREAM"].map(fromLatin1),
        db: 0,
      });
      const args = command === "xgroup" ? [action, "s", "g", "0"] : [action, "x"];
      const outcome = state.apply({ name: command, args: args.map(fromLatin1), db: 0 });
      if (outcome?.type === "unhandled") {
        assert.doesNotMatch(outcome.reason, /action .* is not known/, name);
      }
    }
  });
});

describe("the table of commands", () => {
  it("holds what is sent without the flag", () => {
    for (const name of UNFLAGGED) assert.ok(COMMANDS.has(name), name);
  });

  for (const [servers, names] of Object.entries(NEWER)) {
    it(`holds what only other servers have: ${servers}`, () => {
      for (const name of names.trim().split(/\s+/)) assert.ok(COMMANDS.has(name), name);
    });
  }

  it("gives a reason for what cannot be applied", () => {
    for (const [name, rule] of COMMANDS) {
      assert.equal(name, name.toLowerCase());
      if (rule.by === "impossible") {
        assert.match(rule.reason, /^(?:it arrives as|the value|no released)/);
      }
    }
  });

  it("names only commands whose keys can be told", () => {
    const args = Array<string>(9).fill("1");
    for (const [name, rule] of COMMANDS) {
      const known = keyPositions(name, args.length, (at) => args[at]) !== undefined;
      // What comes from KeyDB, from files of commands, or is taken in has its key in front or none.
      assert.ok(known || rule.by !== "itself" || name === "delex", name);
    }
  });
});
