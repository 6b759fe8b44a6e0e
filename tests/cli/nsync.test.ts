import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, constants, copyFileSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { readRdb, toBytes } from "../../mod.ts";
import { readAof } from "../../src/aof/mod.ts";
import { widthOf } from "../../src/cli/line.ts";
import { VERSION } from "../../src/version.ts";
import { AofDirectory } from "../aof/aof_files.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import type { RunningScript, Runtime, ScriptResult } from "../support/exit.ts";
import { freePort, type RedisServer, startRedis } from "../support/redis.ts";
import { cliRuntimes, hasTerminal, startCli, startOnTerminal } from "./command.ts";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../fixtures/${name}.rdb`, import.meta.url));
const describeWithTerminal = hasTerminal() ? describeWithServer : describe.skip;
const EVIL = "evil\x1b]0;owned\x07\u009b31m";

type PlainEvent = Record<string, unknown>;

function parse(ndjson: string): PlainEvent[] {
  assert.ok(ndjson.endsWith("\n"));
  return ndjson.slice(0, -1).split("\n").map((line) => JSON.parse(line));
}

/** How it ended, which was by itself. */
async function end(script: RunningScript): Promise<ScriptResult> {
  const result = await script.ended;
  assert.equal(result.timedOut, false, `${result.stdout}\n${result.stderr}`);
  return result;
}

/** Interrupts it; it must end cleanly and soon. */
async function interrupt(script: RunningScript): Promise<ScriptResult> {
  const asked = performance.now();
  script.kill("SIGINT");
  const result = await end(script);
  assert.ok(performance.now() - asked < 2000);
  assert.equal(result.code, 0, result.stderr);
  return result;
}

function suite(runtime: Runtime): void {
  describe(`nsync in ${runtime}`, () => {
    it("prints its usage and its version", async () => {
      for (const flag of ["-h", "--help"]) {
        const { code, stdout, stderr } = await end(startCli(runtime, [flag]));
        assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
        assert.match(stdout, /^usage: nsync \[option\]\.\.\. \[url \| file\.rdb .+\]\n/);
      }
      for (const flag of ["-v", "--version"]) {
        const { code, stdout, stderr } = await end(startCli(runtime, [flag]));
        assert.deepEqual({ code, stdout, stderr }, {
          code: 0,
          stdout: `${VERSION}\n`,
          stderr: "",
        });
      }
    });

    it("answers a wrong command line with 2", async () => {
      const wrong = [
        ["--bogus"],
        ["--json", "--pretty"],
        ["redis://a", "redis://b"],
        ["ftp://host"],
        ["localhost:6379"],
        ["redis://:hunter2@host:port"],
      ];
      for (const args of wrong) {
        const { code, stdout, stderr } = await end(startCli(runtime, args));
        assert.deepEqual({ code, stdout }, { code: 2, stdout: "" }, stderr);
        assert.match(stderr, /^nsync: .+\n$/);
        assert.doesNotMatch(stderr, /hunter2/);
      }
    });

    it("says in one line that nobody listens", async () => {
      const port = await freePort();
      const url = `redis://user:hunter2@127.0.0.1:${port}`;
      const { code, stdout, stderr } = await end(startCli(runtime, [url]));
      assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
      assert.match(stderr, /^nsync: .+\n$/);
      assert.ok(stderr.includes(`127.0.0.1:${port}`) && stderr.includes("nothing listens"), stderr);
      assert.doesNotMatch(stderr, /hunter2/);
    });

    it("reads an RDB file", async () => {
      const path = fixture("redis-7.0.15/multidb");
      const { code, stdout, stderr } = await end(startCli(runtime, [path]));
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      const expected: unknown[] = [];
      for await (const event of readRdb(path)) expected.push(event.toJSON());
      assert.deepEqual(parse(stdout), JSON.parse(JSON.stringify(expected)));
    });

    it("reads an RDB from standard input", async () => {
      const path = fixture("redis-7.0.15/multidb");
      const file = await end(startCli(runtime, ["--pretty", path]));
      for (const shell of [`cat '${path}' | "$@"`, `"$@" < '${path}'`]) {
        const { code, stdout, stderr } = await end(startCli(runtime, ["--pretty", "-"], { shell }));
        assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: file.stdout, stderr: "" });
      }
      const bytes = readFileSync(path);
      const script = startCli(runtime, ["-"]);
      script.write(bytes.subarray(0, -9));
      await script.printed(/"redis-ver"/);
      await interrupt(script);
      const cut = startCli(runtime, ["-"]);
      cut.write(bytes.subarray(0, -9));
      cut.endInput();
      const { code, stdout, stderr } = await end(cut);
      assert.equal(code, 1);
      assert.equal(parse(stdout).length, file.stdout.trimEnd().split("\n").length - 1);
      assert.match(stderr, /^nsync: The input ends at byte \d+, .+\n$/);
    });

    it("reads an append-only file, in parts or as one", async () => {
      const source = fixture("redis-7.2.6/aof/base").replace(/base\.rdb$/, "");
      using dir = new AofDirectory();
      for (const name of ["base.rdb", "incr.aof"]) {
        copyFileSync(join(source, name), join(dir.path, name));
      }
      dir.write("x.manifest", "file base.rdb seq 1 type b\nfile incr.aof seq 1 type i\n");
      for (const path of [dir.path, join(dir.path, "x.manifest"), join(dir.path, "incr.aof")]) {
        const { code, stdout, stderr } = await end(startCli(runtime, [path]));
        assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
        const expected: unknown[] = [];
        for await (const event of readAof(path)) expected.push(event.toJSON());
        assert.ok(expected.length > 20);
        assert.deepEqual(parse(stdout), JSON.parse(JSON.stringify(expected)));
      }
      const cut = dir.write("cut.aof", readFileSync(join(source, "incr.aof")).subarray(0, -1));
      const { code, stdout, stderr } = await end(startCli(runtime, ["--json", cut]));
      assert.equal(code, 1);
      assert.equal(parse(stdout).length, 21);
      assert.match(stderr, /^nsync: .+cut\.aof ends inside of the command .+\n$/);
    });

    it("is as wide as COLUMNS says, without a terminal", async () => {
      const path = fixture("redis-7.0.15/strings");
      for (const [COLUMNS, width] of [["30", 30], ["", 100], ["0", 100]] as const) {
        const { code, stdout } = await end(
          startCli(runtime, ["--pretty", path], { env: { COLUMNS } }),
        );
        assert.equal(code, 0);
        const widths = stdout.split("\n").filter((line) => line.startsWith("load")).map(widthOf);
        assert.equal(Math.max(...widths), width);
      }
    });

    it("prints what stands before the damage of an RDB file, and fails", async () => {
      const path = fixture("damaged/redis11-truncated-mid");
      const { code, stdout, stderr } = await end(startCli(runtime, ["--json", path]));
      assert.equal(code, 1);
      assert.match(stderr, /^nsync: .+ ends .+\n$/);
      const types = parse(stdout).map(({ type }) => type);
      assert.ok(types.includes("load") && !types.includes("eof"), types.join());
      const missing = await end(startCli(runtime, ["no/such/file.rdb"]));
      assert.equal(missing.code, 1);
      assert.match(missing.stderr, /^nsync: no\/such\/file\.rdb cannot be read: .+\n$/);
    });
  });

  describeWithServer(`nsync in ${runtime} with a server`, () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedis({ unixSocket: true });
      await server.command("SET", "foo", "monkey");
      await server.command("RPUSH", "list", "a", "b c");
      await server.command("SET", toBytes(EVIL), "\x1b[2J");
      await server.command("SET", "long", "x".repeat(1000));
    });
    afterAll(() => server.stop());

    const loaded = (events: readonly PlainEvent[], key: string) =>
      events.find((event) => event.type === "load" && event.key === key);

    it("follows as NDJSON into a pipe until it is interrupted", async () => {
      const script = startCli(runtime, [server.url]);
      await script.printed(/"type":"eof"/);
      await server.command("SET", "foo", "ape", "PX", 100_000);
      await script.printed(/"name":"set".*\n/);
      const client = await server.client();
      await client.pipeline([["SELECT", "3"], ["MULTI"], ["INCR", "n"], ["DEL", "n"], ["EXEC"]]);
      await client.close();
      await script.printed(/"name":"del".*\n/);
      const { stdout, stderr } = await interrupt(script);
      assert.equal(stderr, "");
      const events = parse(stdout);
      assert.equal(events[0].type, "reset");
      assert.deepEqual(loaded(events, "foo")?.value, "monkey");
      assert.deepEqual(loaded(events, "list")?.value, ["a", "b c"]);
      assert.deepEqual(loaded(events, EVIL)?.value, "\x1b[2J");
      const commands = events.slice(events.findIndex(({ type }) => type === "eof") + 1);
      assert.deepEqual(
        commands.map(({ db, name, args, transaction }) => ({ db, name, args, transaction })),
        [
          { db: 0, name: "set", args: commands[0].args, transaction: undefined },
          { db: 3, name: "incr", args: ["n"], transaction: { id: 1, first: true, last: false } },
          { db: 3, name: "del", args: ["n"], transaction: { id: 1, first: false, last: true } },
        ],
      );
      await server.waitForLog(/Connection with replica [^\n]* lost/);
    });

    it("ends with SIGTERM, too", async () => {
      const script = startCli(runtime, [server.url]);
      await script.printed(/"type":"eof"/);
      script.kill("SIGTERM");
      const { code, stderr } = await end(script);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    });

    it("prints lines for people with --pretty", async () => {
      await server.command("SET", "foo", "gnu");
      const script = startCli(runtime, ["--pretty", server.url]);
      await script.printed(/^eof .*\n/m);
      await server.command("SET", "foo", "an ape");
      await script.printed(/^cmd .*\n/m);
      const { stdout, stderr } = await interrupt(script);
      assert.equal(stderr, "");
      const lines = stdout.trimEnd().split("\n");
      assert.ok(lines.includes('load   db0 string foo "gnu"'), stdout);
      assert.ok(lines.includes('load   db0 list   list ["a", "b c"]'));
      assert.ok(lines.includes('load   db0 string "evil\\x1b]0;owned\\x07\\u{9b}31m" "\\x1b[2J"'));
      assert.ok(lines.includes('cmd    db0 set foo "an ape"'));
      assert.ok(lines.some((line) => /^load {3}db0 string long "x+…$/.test(line)));
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    });

    it("takes the URL from the environment", async () => {
      const dead = `redis://127.0.0.1:${await freePort()}`;
      const environments: Record<string, string>[] = [
        { REDIS_URL: server.url },
        { VALKEY_URL: server.url, REDIS_URL: dead },
      ];
      for (const env of environments) {
        const script = startCli(runtime, [], { env });
        await script.printed(/"type":"eof"/);
        await interrupt(script);
      }
      const { code, stderr } = await end(startCli(runtime, [], { env: { VALKEY_URL: dead } }));
      assert.equal(code, 1);
      assert.match(stderr, /^nsync: .* \(the URL is that of VALKEY_URL\)\n$/);
    });

    it("connects to a unix socket", async () => {
      const script = startCli(runtime, [`unix:${server.socketPath}`]);
      await script.printed(/"type":"eof"/);
      await interrupt(script);
    });

    it("ends quietly when its reader goes away", async () => {
      const shell = '{ "$@"; echo "exit code $?" >&2; } | head -n 1';
      for (const args of [[server.url], ["--pretty", server.url]]) {
        const script = startCli(runtime, args, { shell });
        await script.printed(/reset/);
        // What is written after head has gone.
        const writer = setInterval(() => void server.command("SET", "foo", "gnu"), 50);
        const { stdout, stderr } = await end(script);
        clearInterval(writer);
        assert.equal(stderr, "exit code 0\n");
        assert.equal(stdout.split("\n").length, 2);
      }
    });

    it("loses nothing when its reader is slow", async () => {
      const big = await startRedis({ config: { "enable-debug-command": "yes" } });
      try {
        await big.command("DEBUG", "POPULATE", "20000", "key", "100");
        await big.command("SAVE");
        const shell = '"$@" | { head -c 1 >/dev/null; sleep 0.5; cat; }';
        const script = startCli(runtime, [join(big.dir, "dump.rdb")], { shell });
        const { stdout, stderr } = await end(script);
        assert.equal(stderr, "");
        const keys = stdout.split("\n").filter((line) => line.startsWith('{"type":"load"'));
        assert.equal(keys.length, 20000);
        assert.match(stdout, /\{"type":"eof","keys":20000,.*\n$/);
      } finally {
        await big.stop();
      }
    });

    it("says that there is no directory to spool into", async () => {
      const args = ["--spool-dir", join(server.dir, "is", "missing"), server.url];
      const { code, stdout, stderr } = await end(startCli(runtime, args));
      assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
      assert.match(stderr, /^nsync: .*ENOENT.*: --spool-dir has to name a directory.*\n$/);
    });

    it("keeps the link alive, and can be ended, while nobody reads", async () => {
      const big = await startRedis({ config: { "enable-debug-command": "yes" } });
      const fifo = join(big.dir, "fifo");
      assert.equal(spawnSync("mkfifo", [fifo]).status, 0);
      // For both reading and writing: the open end keeps the other from failing.
      const stdout = openSync(fifo, constants.O_RDWR);
      try {
        await big.command("DEBUG", "POPULATE", "2000", "key", "100");
        for (const signals of [["SIGINT"], ["SIGTERM", "SIGTERM"]] as const) {
          const script = startCli(runtime, [big.url], { stdout });
          // The first ACK is sent behind the snapshot, which does not fit into the pipe.
          await big.waitForLog(/Synchronization with replica [^\n]* succeeded/);
          const asked = performance.now();
          for (const signal of signals) script.kill(signal);
          const { code, stderr } = await end(script);
          assert.ok(performance.now() - asked < 2500);
          assert.ok(code === 0 || signals.length === 2 && code === 143, `${code} ${stderr}`);
          assert.equal(stderr, "");
          await big.restart("SAVE");
        }
      } finally {
        closeSync(stdout);
        await big.stop();
      }
    });
  });

  describeWithServer(`nsync in ${runtime} with a password`, () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedis({ config: { requirepass: "p@ss/word" } });
    });
    afterAll(() => server.stop());

    it("logs in", async () => {
      const script = startCli(runtime, [`redis://:p%40ss%2Fword@127.0.0.1:${server.port}`]);
      await script.printed(/"type":"eof"/);
      await interrupt(script);
    });

    it("says that the password is wrong, or missing, without showing one", async () => {
      for (const login of ["", ":hunter2@", "admin:hunter2@"]) {
        const url = `redis://${login}127.0.0.1:${server.port}`;
        const { code, stdout, stderr } = await end(startCli(runtime, [url]));
        assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
        assert.match(stderr, /^nsync: .*password.*\n$/);
        assert.doesNotMatch(stderr, /hunter2|ss.word/);
      }
    });
  });

  describeWithTerminal(`nsync in ${runtime} on a terminal`, () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedis();
      await server.command("SET", "foo", "monkey");
      await server.command("SET", toBytes(EVIL), "x".repeat(200));
    });
    afterAll(() => server.stop());

    /** Presses Ctrl-C and gives what was on the screen. */
    const leave = async (script: RunningScript): Promise<string> => {
      script.write("\x03");
      const { code, stdout, stderr } = await end(script);
      assert.equal(code, 0, stdout + stderr);
      return stdout.replaceAll("\r\n", "\n").replace("^C", "");
    };

    it("expects no RDB from it", async () => {
      const { code, stdout } = await end(startOnTerminal(runtime, ["-"], 80));
      assert.equal(code, 2);
      assert.match(stdout, /^nsync: an RDB is to come from standard input, which is a terminal/);
    });

    it("prints lines for people, in colours and not wider than it", async () => {
      const script = startOnTerminal(runtime, [server.url], 50);
      await script.printed(/checksum verified/);
      const screen = await leave(script);
      assert.ok(
        screen.includes(
          '\x1b[32mload  \x1b[0m \x1b[2mdb0 \x1b[0mstring \x1b[1mfoo\x1b[0m "monkey"\n',
        ),
        JSON.stringify(screen),
      );
      // deno-lint-ignore no-control-regex
      const bare = screen.replace(/\x1b\[\d+m/g, "");
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(bare, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
      const lines = bare.split("\n").filter((line) => line.startsWith("load"));
      assert.equal(lines.length, 2);
      assert.ok(lines.some((line) => [...line].length === 50 && line.endsWith("…")));
    });

    it("honours NO_COLOR and a dumb terminal", async () => {
      const environments: Record<string, string>[] = [{ NO_COLOR: "1" }, { TERM: "dumb" }];
      for (const env of environments) {
        const script = startOnTerminal(runtime, [server.url], 50, env);
        await script.printed(/checksum verified/);
        const screen = await leave(script);
        assert.ok(!screen.includes("\x1b"), JSON.stringify(screen));
        assert.ok(screen.includes('load   db0 string foo "monkey"\n'));
      }
    });

    it("prints NDJSON with --json, which does not act on the terminal", async () => {
      const script = startOnTerminal(runtime, ["--json", server.url], 50);
      await script.printed(/"type":"eof".*\r\n/);
      const screen = await leave(script);
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(screen, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
      const events = screen.split("\n").filter((line) => line.startsWith("{"));
      assert.ok(events.some((line) => JSON.parse(line).key === EVIL), screen);
    });

    it("says what it waits for, and what happened, where the events go elsewhere", async () => {
      await server.command("CONFIG", "SET", "repl-diskless-sync-delay", "2");
      const file = join(server.dir, "events");
      const script = startOnTerminal(runtime, [server.url], 50, {}, `> '${file}'`);
      await script.printed(/nsync: connected to 127\.0\.0\.1:\d+, waiting for the snapshot/);
      await script.printed(/nsync: eof .*: 2 keys/);
      const screen = await leave(script);
      assert.doesNotMatch(screen, /monkey/);
      assert.ok(parse(readFileSync(file, "utf8")).some(({ key }) => key === "foo"));
    });
  });
}

for (const runtime of cliRuntimes()) suite(runtime);

describe("the version", () => {
  it("is that of deno.json and package.json", () => {
    for (const file of ["deno.json", "package.json"]) {
      const { version } = JSON.parse(
        readFileSync(new URL(`../../${file}`, import.meta.url), "utf8"),
      );
      assert.equal(VERSION, version);
    }
  });
});
