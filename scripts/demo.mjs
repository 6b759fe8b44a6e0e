// Shows nsync and a mirror at work on a real server, or on an RDB file where there is none: see scripts/demo.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findCommand, startServer } from "./benchmark/server.mjs";
import { sendCommands } from "./demonstration/client.mjs";
import { Follower } from "./demonstration/follower.mjs";
import { showLookups } from "./demonstration/lookups.mjs";
import { sampleRdb } from "./demonstration/rdb.mjs";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));

const DATA = [
  ["SET", "foo", "monkey"],
  ["SET", "foo:one", "donkey"],
  ["SET", "bar:one", "seahorse"],
  ["SET", "bar:two", "jellyfish"],
  ["SET", "session", "open", "EX", "3600"],
  ["RPUSH", "queue", "first", "second", "third one"],
  ["SADD", "colours", "red", "green", "blue"],
  ["HSET", "user:1", "name", "Ann", "city", "Zürich"],
  ["ZADD", "scores", "3.5", "ann", "12", "bob"],
  ["XADD", "events", "*", "kind", "login"],
  ["XGROUP", "CREATE", "events", "readers", "0"],
  ["XREADGROUP", "GROUP", "readers", "worker-1", "STREAMS", "events", ">"],
];

/** Live changes: what is said, what is sent, and the line to wait for. */
const CHANGES = [
  {
    text: "A write arrives as the command that made it.",
    commands: [["SET", "foo", "gorilla"]],
    last: /^cmd .*\bset foo gorilla/,
  },
  {
    text: "The commands of a transaction carry its number, and say where it begins and ends.",
    commands: [["MULTI"], ["INCR", "visits"], ["LPUSH", "queue", "urgent"], ["EXEC"]],
    last: /^cmd .*\blpush queue urgent/,
  },
  {
    text: "Since Redis 7 the master makes an expiry absolute.",
    commands: [["EXPIRE", "foo", "60"]],
    last: /^cmd .*\bp?expire(at)? foo/,
  },
  {
    text: "It chooses the id of a stream's entry, too.",
    commands: [["XADD", "events", "*", "kind", "logout"]],
    last: /^cmd .*\bxadd events \d/,
  },
  {
    text: "Every event tells its database.",
    commands: [["SELECT", "3"], ["SET", "elsewhere", "otter"]],
    last: /^cmd .*\bdb3 set elsewhere/,
  },
  {
    text: "A key that is deleted, expires or is evicted arrives as DEL or UNLINK.",
    commands: [["DEL", "foo:one"]],
    last: /^cmd .*\bdel foo:one/,
  },
];

/** What has to be undone in the end, last first. */
const undo = [];

async function cleanUp() {
  for (let step; (step = undo.pop()) !== undefined;) await step();
}

function say(text) {
  console.log(`\n# ${text}`);
}

function show(commands) {
  for (const words of commands) {
    console.log(`> ${words.map((word) => /\s/.test(word) ? `"${word}"` : word).join(" ")}`);
  }
}

function follow(source) {
  console.log(`$ nsync ${source}`);
  const follower = new Follower(source);
  undo.push(() => follower.kill());
  return follower;
}

async function onServer(binary) {
  const server = await startServer();
  undo.push(() => server.stop());
  say(`A ${binary} of the demo's own listens on port ${server.port}. It gets some data:`);
  show(DATA);
  await sendCommands(server.path, DATA);

  say("nsync connects as a replica. First comes the snapshot, key by key, up to eof:");
  const follower = follow(`redis://127.0.0.1:${server.port}`);
  await follower.line(/^eof /);
  for (const { text, commands, last } of CHANGES) {
    say(text);
    show(commands);
    await sendCommands(server.path, commands);
    await follower.line(last);
  }

  say("Ctrl-C closes the link:");
  const code = await follower.interrupt();
  console.log(`exit code ${code}`);

  say("A mirror keeps such keys as one wants in the process, where a lookup is no round trip:");
  await showLookups(server, show);
  return code;
}

async function onFile() {
  const directory = mkdtempSync(join(tmpdir(), "nsync-demo-"));
  undo.push(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "demo.rdb");
  writeFileSync(file, sampleRdb(Date.now()));
  say("There is neither a redis-server nor a valkey-server here: nothing can be followed live.");
  say("nsync reads an RDB file that the demo has made, which looks like the snapshot of a server:");
  const code = await follow(file).ended();
  console.log(`exit code ${code}`);
  return code;
}

function run() {
  const binary = findCommand("redis-server", "valkey-server");
  return binary === undefined ? onFile() : onServer(binary);
}

/** The exit code for a signal, when one comes. */
const stopped = new Promise((resolve) => {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]]) {
    process.on(signal, () => resolve(code));
  }
});
// Whatever the demo waits for then is waited for no longer.
stopped.then(async (code) => {
  await cleanUp();
  process.exit(code);
});

const running = run();
// What fails behind a signal is of no interest.
running.catch(() => {});
try {
  process.exitCode = await Promise.race([stopped, running]);
} finally {
  await cleanUp();
}
