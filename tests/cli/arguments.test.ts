import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it } from "@std/testing/bdd";
import { readArguments } from "../../src/cli/arguments.ts";

const existing = fileURLToPath(import.meta.url);

describe("the command line", () => {
  const source = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const request = readArguments(args, env);
    return request.kind === "run" ? request.source : request;
  };

  it("names a server or a file", () => {
    const server = (url: string) => ({ kind: "server", url, origin: "argument" });
    assert.deepEqual(source(["redis://h:1"]), server("redis://h:1"));
    assert.deepEqual(source(["unix:/tmp/x.rdb"]), server("unix:/tmp/x.rdb"));
    assert.deepEqual(source(["redis://h/x.rdb"]), server("redis://h/x.rdb"));
    assert.deepEqual(source(["redis://h/"]), server("redis://h/"));
    assert.equal(readArguments(["somewhere"], {}).kind, "wrong");
    assert.deepEqual(source(["no/such.rdb"]), { kind: "rdb", path: "no/such.rdb" });
    assert.deepEqual(source([existing]), { kind: "rdb", path: existing });
    assert.deepEqual(source(["--", "-x.rdb"]), { kind: "rdb", path: "-x.rdb" });
    assert.deepEqual(source(["-"]), { kind: "stdin" });
    assert.deepEqual(source(["--json", "--", "-"]), { kind: "stdin" });
    for (const args of [["-", "-"], ["-", "redis://h"], ["doctor", "-"], ["--insecure", "-"]]) {
      assert.equal(readArguments(args, {}).kind, "wrong", args.join(" "));
    }
    for (const path of ["no/such.aof", "no/such.manifest", "no/such/", dirname(existing)]) {
      assert.deepEqual(source([path]), { kind: "aof", path });
    }
  });

  it("sends for the doctor", () => {
    const server = { kind: "server", url: "redis://h:1", origin: "argument" } as const;
    const visit = (...args: readonly string[]) => readArguments(["doctor", ...args], {});
    assert.deepEqual(visit("redis://h:1"), { kind: "doctor", server, format: "auto" });
    const tls = { insecure: true } as const;
    assert.deepEqual(visit("--json", "redis://h:1", "--insecure"), {
      kind: "doctor",
      server: { ...server, tls },
      format: "json",
    });
    const env = { REDIS_URL: "redis://r" };
    assert.deepEqual(readArguments(["doctor"], env), {
      kind: "doctor",
      server: { kind: "server", url: "redis://r", origin: "REDIS_URL" },
      format: "auto",
    });
    for (const args of [["no/such.rdb"], ["redis://a", "redis://b"], ["--no-such"], ["doctor"]]) {
      assert.equal(visit(...args).kind, "wrong");
    }
    assert.equal(visit("--help").kind, "help");
    // Only as the first word.
    assert.equal(readArguments(["--json", "doctor"], {}).kind, "wrong");
  });

  it("looks into the environment where it names none", () => {
    const both = { VALKEY_URL: "valkey://v", REDIS_URL: "redis://r" };
    assert.deepEqual(source([], both), {
      kind: "server",
      url: "valkey://v",
      origin: "VALKEY_URL",
    });
    assert.deepEqual(source([], { ...both, VALKEY_URL: "" }), {
      kind: "server",
      url: "redis://r",
      origin: "REDIS_URL",
    });
    assert.deepEqual(source([]), {
      kind: "server",
      url: "redis://localhost:6379",
      origin: "default",
    });
    assert.equal(readArguments(["redis://x"], both).kind, "run");
  });

  it("chooses how events are printed", () => {
    const format = (...args: string[]) => {
      const request = readArguments(args, {});
      return request.kind === "run" ? request.format : request.kind;
    };
    assert.equal(format(), "auto");
    assert.equal(format("--json"), "json");
    assert.equal(format("redis://x", "--pretty"), "pretty");
    assert.equal(format("--json", "--json"), "json");
    assert.equal(format("--json", "--pretty"), "wrong");
    assert.equal(format("--json", "--help"), "help");
    assert.equal(format("-v"), "version");
  });

  it("says how TLS is spoken", () => {
    const tls = (...args: string[]) => {
      const request = readArguments(args, {});
      if (request.kind !== "run") return request;
      return request.source.kind === "server" ? request.source.tls : request.source.kind;
    };
    assert.equal(tls("rediss://x"), undefined);
    assert.deepEqual(
      tls("rediss://x", "--cacert", "ca.pem", "--cert=c=d.pem", "--key", "-k", "--sni", "name"),
      { cacert: "ca.pem", cert: "c=d.pem", key: "-k", sni: "name" },
    );
    assert.deepEqual(tls("--insecure", "redis://x"), { insecure: true });
    for (const args of [["--cacert"], ["--sni="], ["--insecure=1"]]) {
      const request = readArguments(args, {});
      assert.ok(request.kind === "wrong");
      assert.match(request.why, /^--\w+ (needs a|takes no) value$/);
    }
    assert.equal(readArguments(["--insecure", "no/such.rdb"], {}).kind, "wrong");
    assert.equal(readArguments(["--key", "a", "--help"], {}).kind, "help");
  });

  it("says who knows where the master is", () => {
    const two = ["--sentinel", "redis://a", "--sentinel=redis://b:1"];
    const sentinel = ["redis://a", "redis://b:1"];
    assert.deepEqual(
      source([...two, "--name", "m", "--role", "replica"], { REDIS_URL: "redis://r" }),
      {
        kind: "server",
        url: undefined,
        origin: "argument",
        where: { sentinel, name: "m", role: "replica" },
      },
    );
    assert.deepEqual(source(two, { REDIS_URL: "redis://:x@m" }), {
      kind: "server",
      url: "redis://:x@m",
      origin: "REDIS_URL",
      where: { sentinel },
    });
    assert.deepEqual(source(["redis://h", "--role", "master"]), {
      kind: "server",
      url: "redis://h",
      origin: "argument",
      where: { role: "master" },
    });
    assert.deepEqual(readArguments(["fetch", ...two, "--name", "m", "no/such.rdb"], {}), {
      kind: "fetch",
      source: {
        kind: "server",
        url: undefined,
        origin: "argument",
        where: { sentinel, name: "m" },
      },
      file: "no/such.rdb",
    });
    assert.equal(readArguments(["fetch", ...two, "no/such.rdb"], {}).kind, "wrong");
    for (
      const args of [two, ["--sentinel"], ["--name", "m"], [...two, "no/such.rdb"], [
        "--role",
        "master",
        existing,
      ]]
    ) {
      assert.equal(readArguments(args, {}).kind, "wrong", args.join(" "));
    }
  });

  it("says what becomes of a slow reader", () => {
    const slow = (...args: string[]) => {
      const request = readArguments(["redis://x", ...args], {});
      if (request.kind !== "run") return request;
      return request.source.kind === "server" ? request.source.slow : request.source.kind;
    };
    assert.equal(slow(), undefined);
    assert.deepEqual(slow("--slow", "error"), { slow: "error" });
    assert.deepEqual(slow("--slow=spool"), { slow: "spool" });
    assert.deepEqual(slow("--spool-dir", "/tmp"), { slow: "spool", spoolDir: "/tmp" });
    assert.deepEqual(slow("--slow", "fast"), {
      kind: "wrong",
      why: "--slow is pause, spool or error",
    });
    for (const args of [["--slow", "pause", "--spool-dir", "/tmp"], ["--spool-dir"]]) {
      assert.ok(readArguments(["redis://x", ...args], {}).kind === "wrong");
    }
    assert.equal(readArguments(["--slow", "spool", "no/such.rdb"], {}).kind, "wrong");
  });

  it("never shows what may be a password", () => {
    for (const args of [["--password=hunter2"], ["-ahunter2"], ["-a", "hunter2"]]) {
      const request = readArguments(args, {});
      assert.ok(request.kind === "wrong");
      assert.doesNotMatch(request.why, /hunter/);
      assert.match(request.why, /--password$|-a$/);
    }
  });
});
