import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "@std/testing/bdd";
import { NsyncError } from "../../mod.ts";
import { doctor } from "../../src/doctor/mod.ts";
import { permits } from "../../src/doctor/rights.ts";
import { ScriptedMaster } from "../link/scripted_master.ts";
import { freePort } from "../support/redis.ts";
import { Peer } from "../transport/peer.ts";
import { SilentPeer } from "../transport/silent_peer.ts";
import { examine, finding, SECRET, states } from "./examine.ts";

describe("a doctor who finds no server", () => {
  it("says why", async () => {
    const port = await freePort();
    const cases: readonly (readonly [url: string, says: RegExp])[] = [
      [`redis://127.0.0.1:${port}`, /nothing listens there/],
      [`rediss://localhost:${port}`, /nothing listens there/],
      [`unix:${join(tmpdir(), "nsync-no-such.sock")}`, /no such socket/],
      ["redis://no-such-host.invalid", /no-such-host.invalid is not known/],
    ];
    for (const [url, says] of cases) {
      const report = await examine(url, { password: SECRET });
      assert.deepEqual(states(report), { reachable: "problem" });
      assert.match(finding(report, "reachable").message, says);
    }
  });

  it("does not wait for one that never answers", async () => {
    await using silent = await SilentPeer.start();
    assert.ok("port" in silent.address);
    const report = await examine(`redis://${silent.address.host}:${silent.address.port}`);
    assert.deepEqual(states(report), { reachable: "problem" });
  });

  it("does not wait for one that takes connections and says nothing", async () => {
    await using peer = await Peer.tcp((socket) => socket.resume());
    await Promise.all(["redis", "rediss"].map(async (scheme) => {
      const report = await examine(`${scheme}://127.0.0.1:${peer.port}`, { password: SECRET });
      assert.equal(report.ok, false);
      assert.equal(finding(report, "reachable").state, "ok");
    }));
  });

  it("knows what is no Redis", async () => {
    const strangers = [
      "HTTP/1.1 400 Bad Request\r\n\r\n",
      "220 mail\r\n",
      "\0\x01\x02\xff\r\n",
      "",
    ];
    for (const says of strangers) {
      await using peer = await Peer.tcp((socket) => {
        socket.on("error", () => {});
        socket.end(says);
        socket.resume();
      });
      const report = await examine(`redis://127.0.0.1:${peer.port}`, { password: SECRET });
      assert.deepEqual(states(report), { reachable: "ok", tls: "ok", server: "problem" });
    }
  });

  it("gives up when it is told to, and throws for options that are wrong", async () => {
    await using peer = await Peer.tcp((socket) => socket.resume());
    const url = `redis://127.0.0.1:${peer.port}`;
    const abort = new AbortController();
    const looking = doctor(url, { signal: abort.signal });
    const reason = new Error("enough");
    abort.abort(reason);
    await assert.rejects(looking, (error) => error === reason);
    await assert.rejects(doctor("http://host"), (error) => {
      return NsyncError.is(error) && error.code === "OPTION";
    });
  });
});

/** A reply of strings. */
function strings(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map(string).join("")}`;
}

function string(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

const DENIED = "-NOPERM this user has no permissions\r\n";
const COMMAND = `*1\r\n*7\r\n${string("psync")}:-3\r\n*0\r\n:0\r\n:0\r\n:0\r\n${
  strings("@admin", "@slow", "@dangerous")
}`;

/** A server that answers each of these commands so, and is a master of that version. */
async function asking(
  version: string,
  answers: Readonly<Record<string, string>>,
  password?: string,
) {
  const requests: string[] = [];
  const known: Readonly<Record<string, string>> = {
    "PING": "+PONG\r\n",
    "AUTH": "+OK\r\n",
    "HELLO": strings("server", "redis", "version", version, "mode", "standalone", "role", "master"),
    "REPLCONF": "+OK\r\n",
    "REPLCONF rdb-filter-only": "-ERR Unrecognized REPLCONF option: rdb-filter-only\r\n",
    ...answers,
  };
  await using master = await ScriptedMaster.start((socket, words) => {
    requests.push(words.slice(0, 2).join(" "));
    socket.write(known[words.slice(0, 2).join(" ")] ?? known[words[0]] ?? DENIED);
  });
  const report = await examine(`redis://127.0.0.1:${master.port}`, { password });
  await master.allClosed();
  return { report, requests };
}

describe("a doctor who looks at a server before 7.0", () => {
  const users: readonly (readonly [rules: string, state: string])[] = [
    ["+@all", "ok"],
    ["-@all +ping +replconf +psync", "ok"],
    ["+@all -@dangerous", "problem"],
    ["-@all +ping +replconf", "problem"],
    ["+@all -@admin +psync", "ok"],
  ];
  for (const [rules, state] of users) {
    it(`never sends PSYNC, and reads the rules ${rules}`, async () => {
      const { report, requests } = await asking("6.2.16", {
        "COMMAND": COMMAND,
        "ACL WHOAMI": string("me"),
        "ACL GETUSER": `*6\r\n${string("flags")}${strings("on")}${string("passwords")}*0\r\n${
          string("commands")
        }${string(rules)}`,
      });
      assert.equal(finding(report, "psync").state, state);
      assert.equal(finding(report, "rights").state, state);
      assert.equal(finding(report, "rdb").data?.rdbVersion, 9);
      assert.ok(!requests.some((request) => request.startsWith("PSYNC")), requests.join());
    });
  }

  it("says what it cannot see", async () => {
    const { report } = await asking("6.2.16", {});
    assert.equal(finding(report, "psync").state, "unknown");
    assert.equal(finding(report, "rights").state, "unknown");
    assert.equal(report.ok, true);
  });

  it("knows PSYNC switched off, servers without users, and those without PSYNC", async () => {
    const unknown = "-ERR unknown command\r\n";
    const off = await asking("6.2.16", { "COMMAND": "*1\r\n$-1\r\n" });
    assert.equal(finding(off.report, "psync").state, "problem");
    const old = await asking("", {
      "HELLO": unknown,
      "ACL": unknown,
      "COMMAND": COMMAND,
      "INFO": string("# Server\r\nredis_version:4.0.14\r\nrole:master\r\n"),
    });
    assert.equal(finding(old.report, "psync").state, "ok");
    assert.equal(finding(old.report, "server").message, "Redis 4.0.14.");
    assert.equal(finding(old.report, "rdb").data?.rdbVersion, 8);
    const ancient = await asking("", {
      "HELLO": unknown,
      "ACL": unknown,
      "COMMAND": unknown,
      "REPLCONF": unknown,
      "INFO": string("redis_version:2.4.18\r\n"),
    });
    assert.equal(finding(ancient.report, "server").state, "warning");
    assert.match(finding(ancient.report, "server").message, /cannot resume/);
  });
});

describe("a doctor who looks at other servers", () => {
  const filter = { "REPLCONF rdb-filter-only": "+OK\r\n" };
  const psync = { ...filter, "PSYNC": "-ERR Filtered replica requires EOF capability\r\n" };

  it("names them, and knows what they write", async () => {
    const cases: readonly (readonly [info: string, name: string, rdb?: number])[] = [
      ["redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.2.0", "Valkey 9.2.0.", 81],
      ["redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1", "Valkey 8.1.1.", 11],
      ["redis_version:6.3.4", "Keydb 6.3.4.", 9],
      ["redis_version:8.6.0", "Redis 8.6.0.", 13],
      ["redis_version:7.4.0\r\ndragonfly_version:df-v1.30.0", "Dragonfly df-v1.30.0."],
    ];
    await Promise.all(cases.map(async ([info, name, rdb]) => {
      const { report } = await asking("", { ...psync, INFO: string(info), HELLO: DENIED });
      assert.equal(finding(report, "server").message, name);
      const found = report.findings.find(({ check }) => check === "rdb");
      assert.equal(found?.data?.rdbVersion, rdb);
      assert.equal(found?.state, rdb && "ok");
    }));
  });

  it("warns of one that is newer than everything it knows", async () => {
    for (const [server, version] of [["redis", "9.0.0"], ["valkey", "10.1.0"]]) {
      const { report } = await asking("", {
        ...psync,
        HELLO: strings("server", server, "version", version, "role", "master"),
      });
      const { state, message } = finding(report, "rdb");
      assert.equal(state, "warning");
      assert.match(message, /newer/);
      assert.equal(finding(report, "psync").state, "ok");
    }
  });

  it("hangs up at once should a synchronization begin all the same", async () => {
    const { report, requests } = await asking("7.0.0", {
      ...filter,
      "PSYNC": `+FULLRESYNC ${"a".repeat(40)} 1\r\n`,
    });
    assert.equal(finding(report, "psync").state, "unknown");
    assert.equal(requests.filter((request) => request.startsWith("PSYNC")).length, 1);
  });

  it("sends no PSYNC where only REPLCONF says yes to everything", async () => {
    const { requests } = await asking("", {
      ...filter,
      "HELLO": strings("server", "other", "version", "7.0.0"),
    });
    assert.ok(!requests.some((request) => request.startsWith("PSYNC")), requests.join());
  });

  it("tells one that loads from one that is broken", async () => {
    const cases: readonly (readonly [pong: string, state: string, check: "server" | "auth"])[] = [
      ["-LOADING Redis is loading the dataset in memory\r\n", "warning", "server"],
      ["-BUSY Redis is busy running a script\r\n", "warning", "server"],
      ["-MASTERDOWN Link with MASTER is down\r\n", "warning", "server"],
      ["-ERR max number of clients reached\r\n", "problem", "server"],
      ["-DENIED Redis is running in protected mode\r\n", "problem", "auth"],
      ["-NOAUTH Authentication required.\r\n", "problem", "auth"],
    ];
    for (const [pong, state, check] of cases) {
      const { report } = await asking("7.0.0", { PING: pong });
      assert.equal(finding(report, check).state, state, pong);
    }
  });

  it("repeats no password that a server repeats", async () => {
    const answers = { AUTH: `-ERR unknown command 'AUTH', with args: '${SECRET}'\r\n` };
    const { report } = await asking("7.0.0", answers, SECRET);
    assert.equal(finding(report, "auth").state, "problem");
  });

  it("makes one line of what a server says", async () => {
    const evil = "7.0.0\x1b[31m\u0000";
    const { report } = await asking(evil, {
      ...psync,
      ROLE: `*5\r\n${string("slave")}${string("\x1b[2Jhost")}:1\r\n${string("connected")}:1\r\n`,
      INFO: string(`redis_version:${evil}\r\nrepl_backlog_size:-1\r\nused_memory:x\r\n`),
    });
    // deno-lint-ignore no-control-regex
    for (const { message } of report.findings) assert.doesNotMatch(message, /[\x00-\x1f]/);
  });
});

describe("the rules of a user", () => {
  const cases: readonly (readonly [rules: string, permitted: boolean])[] = [
    ["", false],
    ["+@all", true],
    ["-@all", false],
    ["+psync", true],
    ["+PSYNC", true],
    ["+psync -@all", false],
    ["+@all -psync", false],
    ["+@all -psync +@admin", true],
    ["+@all -psync|sub", true],
    ["+@read", false],
  ];
  for (const [rules, permitted] of cases) {
    it(`${rules || "none"}: ${permitted}`, () => {
      assert.equal(permits(rules, "psync", ["@admin", "@slow"]), permitted);
    });
  }
});
