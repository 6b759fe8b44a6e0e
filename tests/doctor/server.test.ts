import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { nsync } from "../../mod.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { freePort, type RedisServer, serverBinary, startRedis } from "../support/redis.ts";
import { examine, finding, SECRET, states } from "./examine.ts";

/** The server has made no snapshot, and nobody has become its replica. */
async function assertUntouched(server: RedisServer): Promise<void> {
  const info = await text(server.command("INFO"));
  assert.match(info, /total_forks:0\r/);
  assert.match(info, /connected_slaves:0\r/);
}

async function text(reply: Promise<unknown>): Promise<string> {
  const found = await reply;
  return found instanceof Uint8Array ? new TextDecoder().decode(found) : String(found);
}

describeWithServer("a doctor who looks at a server", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ unixSocket: true });
    for (let i = 0; i < 10; i++) await server.command("SET", `k${i}`, "v");
    const users: readonly (readonly string[])[] = [
      ["replica", "+psync", "+replconf", "+ping"],
      ["mute", "+replconf", "+ping"],
      ["nothing"],
      ["operator", "+@all", "~*"],
    ];
    for (const [name, ...rules] of users) {
      await server.command("ACL", "SETUSER", name, "on", `>${SECRET}`, ...rules);
    }
  });
  afterAll(() => server.stop());

  it("finds nothing wrong with one that is as it came", async () => {
    const report = await examine(server.url);
    assert.deepEqual(states(report), {
      "reachable": "ok",
      "tls": "ok",
      "auth": "ok",
      "server": "ok",
      "role": "ok",
      "rights": "ok",
      "psync": "ok",
      "rdb": "ok",
      "snapshot": "ok",
      "backlog": "ok",
      "output-buffer": "ok",
      "timeout": "ok",
    });
    assert.equal(report.ok, true);
    assert.equal(report.address, `127.0.0.1:${server.port}`);
    const version = /redis_version:(\S+)/.exec(await text(server.command("INFO", "server")))?.[1];
    assert.deepEqual(finding(report, "server").data, { flavour: "redis", version });
    assert.deepEqual(finding(report, "role").data, { role: "master", cluster: false, replicas: 0 });
    assert.equal(finding(report, "snapshot").data?.keys, 10);
    assert.equal(finding(report, "snapshot").data?.diskless, true);
    assert.deepEqual(finding(report, "output-buffer").data, {
      hardBytes: 256 << 20,
      softBytes: 64 << 20,
      softSeconds: 60,
    });
    assert.deepEqual(finding(report, "timeout").data, { replTimeoutSeconds: 60, pingSeconds: 10 });
    await assertUntouched(server);
  });

  it("tells the RDB version that a snapshot then has", async () => {
    const { data } = finding(await examine(server.url), "rdb");
    const link = nsync(server.url);
    for await (const event of link) {
      if (event.type !== "reset") continue;
      assert.equal(data?.rdbVersion, event.rdbVersion);
      break;
    }
    await server.restart();
  });

  it("goes over a unix socket, too", async () => {
    const report = await examine(`unix:${server.socketPath}`);
    assert.equal(report.ok, true);
    assert.equal(finding(report, "reachable").state, "ok");
  });

  it("needs no more rights than a link, and says what it could not see", async () => {
    await server.command("ACL", "SETUSER", "replica", "on", `>${SECRET}`, "+psync", "+replconf");
    await server.command("ACL", "SETUSER", "replica", "+ping");
    const report = await examine(server.url, { username: "replica", password: SECRET });
    const { snapshot, backlog, timeout, ...rest } = states(report);
    assert.deepEqual({ snapshot, backlog, timeout, buffer: rest["output-buffer"] }, {
      snapshot: "unknown",
      backlog: "unknown",
      timeout: "unknown",
      buffer: "unknown",
    });
    assert.deepEqual([rest.server, rest.role, rest.rights, rest.psync, rest.rdb], [
      ...["ok", "ok", "ok", "ok", "ok"],
    ]);
    assert.match(finding(report, "backlog").message, /\+info/);
    assert.equal(report.ok, true);
  });

  it("says which rights are missing", async () => {
    const rules: readonly (readonly [rules: readonly string[], missing: RegExp])[] = [
      [["+replconf", "+ping"], /lacks \+psync\./],
      [["+psync", "+ping"], /lacks \+replconf\./],
      [["+@all", "-psync", "-replconf"], /lacks \+psync \+replconf\./],
      [[], /lacks .*\+replconf \+ping\./],
    ];
    for (const [given, missing] of rules) {
      await server.command("ACL", "SETUSER", "some", "reset", "on", `>${SECRET}`, ...given);
      const report = await examine(server.url, { username: "some", password: SECRET });
      const rights = finding(report, "rights");
      assert.equal(rights.state, "problem");
      assert.match(rights.message, missing);
      assert.match(rights.advice ?? "", /ACL SETUSER/);
      assert.equal(report.ok, false);
    }
    await assertUntouched(server);
  });

  it("measures the writes, and how long the backlog holds them", async () => {
    await using busy = await startRedis({ config: { "repl-backlog-size": "16kb" } });
    const link = nsync(busy.url, { callback: () => {} });
    await link.ready;
    let over = false;
    const writing = (async () => {
      const client = await busy.client();
      while (!over) await client.command("SET", "k", "v".repeat(2000));
      await client.close();
    })();
    const { check: _, ...backlog } = finding(await examine(busy.url), "backlog");
    over = true;
    await writing;
    await link.close();
    assert.equal(backlog.state, "warning");
    const { backlogBytes, active, bytesPerSecond, outageSeconds } = backlog.data ?? {};
    assert.deepEqual([backlogBytes, active], [16 << 10, true]);
    assert.ok(Number(bytesPerSecond) > 10_000, String(bytesPerSecond));
    const seconds = Number(backlogBytes) / Number(bytesPerSecond);
    assert.ok(Math.abs(Number(outageSeconds) - seconds) < 0.1, String(outageSeconds));
    const [, enough] = /repl-backlog-size (\d+)/.exec(backlog.advice ?? "") ?? [];
    assert.ok(Number(enough) >= 300 * Number(bytesPerSecond));
  });

  it("says how a snapshot is sent, and warns of what cuts links off", async () => {
    await using odd = await startRedis({
      config: {
        "repl-diskless-sync": "no",
        "client-output-buffer-limit": "replica 0 0 0",
        "repl-ping-replica-period": 70,
        "repl-timeout": 65,
      },
    });
    const [report, patient] = await Promise.all([
      examine(odd.url),
      examine(odd.url, { replTimeout: 100_000 }),
    ]);
    assert.match(finding(report, "snapshot").message, /server's disk/);
    assert.match(finding(report, "output-buffer").message, /no limit/);
    assert.equal(finding(report, "timeout").state, "warning");
    assert.match(finding(report, "timeout").advice ?? "", /replTimeout \(60000\)/);
    assert.match(finding(patient, "timeout").advice ?? "", /^Raise repl-timeout/);
    assert.equal(report.ok, true);
  });

  it("knows a wrong password, a missing one, and one that nobody asked for", async () => {
    await using locked = await startRedis({ config: { requirepass: SECRET } });
    const cases = [
      [locked, { password: `${SECRET}!` }, /is wrong/],
      [locked, {}, /pass `password`/],
      [server, { password: SECRET, username: "nobody" }, /is wrong/],
    ] as const;
    for (const [where, options, says] of cases) {
      const report = await examine(where.url, options);
      const { state, message } = finding(report, "auth");
      assert.equal(state, "problem");
      assert.match(message, says);
      assert.equal(report.findings.at(-1)?.check, "auth");
    }
    const report = await examine(locked.url, { password: SECRET });
    assert.equal(report.ok, true);
  });

  it("knows commands that were renamed", async () => {
    await using renamed = await startRedis({ config: { "rename-command": "PSYNC PS" } });
    const report = await examine(renamed.url);
    assert.equal(finding(report, "psync").state, "problem");
    assert.match(finding(report, "psync").message, /commandNames.psync/);
    await assertUntouched(renamed);

    await using without = await startRedis({ config: { "rename-command": 'REPLCONF ""' } });
    const { state, message } = finding(await examine(without.url), "rights");
    assert.equal(state, "warning");
    assert.match(message, /commandNames.replconf/);
    await assertUntouched(without);
  });

  it("knows a replica, and one that has lost its master", async () => {
    await using replica = await startRedis({ config: { replicaof: `127.0.0.1 ${server.port}` } });
    await replica.waitForLog(/MASTER <-> REPLICA sync: Finished with success/);
    const report = await examine(replica.url);
    assert.equal(report.ok, true);
    assert.deepEqual(finding(report, "role").data, {
      role: "replica",
      cluster: false,
      link: "connected",
    });
    await replica.command("REPLICAOF", "127.0.0.1", await freePort());
    const orphan = await examine(replica.url);
    assert.equal(finding(orphan, "role").state, "problem");
    assert.equal(finding(orphan, "psync").state, "warning");
    assert.match(finding(orphan, "psync").message, /lost its own master/);
  });

  it("knows a part of a cluster", async () => {
    await using node = await startRedis({ config: { "cluster-enabled": "yes" } });
    const { state, message } = finding(await examine(node.url), "role");
    assert.equal(state, "warning");
    assert.match(message, /cluster/);
  });

  it("knows a Sentinel, and says how it is used", async () => {
    const dir = mkdtempSync(join(tmpdir(), "nsync-sentinel-"));
    const port = await freePort();
    const config = join(dir, "sentinel.conf");
    writeFileSync(
      config,
      `port ${port}\nbind 127.0.0.1\ndir ${dir}\nsentinel monitor main 127.0.0.1 ${server.port} 1\n`,
    );
    const sentinel = spawn(serverBinary() ?? "", [config, "--sentinel"], { stdio: "ignore" });
    try {
      let report = await examine(`redis://127.0.0.1:${port}`);
      while (report.findings[0].state === "problem") {
        report = await examine(`redis://127.0.0.1:${port}`);
      }
      const { state, message, advice, data } = finding(report, "role");
      assert.equal(state, "problem");
      assert.match(message, /Sentinel.* watches main\./);
      assert.match(advice ?? "", /sentinels/);
      assert.deepEqual(data, { role: "sentinel", masters: ["main"] });
    } finally {
      const gone = new Promise((resolve) => sentinel.once("exit", resolve));
      sentinel.kill("SIGKILL");
      await gone;
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
