import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { settingsOf } from "../src/options.ts";
import { describeWithServer } from "./support/describe_with_server.ts";
import { projectUrl, runtimePath, startScript } from "./support/exit.ts";
import { type RedisServer, startRedis } from "./support/redis.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const { exports }: { exports: Record<string, string> } = JSON.parse(
  readFileSync(join(root, "deno.json"), "utf8"),
);
const deno = runtimePath("deno");
const URL_IN_EXAMPLES = "redis://localhost:6379";

interface Example {
  readonly title: string;
  readonly source: string;
}

/** The program blocks, each with the heading above it. */
function examples(): Example[] {
  const found: Example[] = [];
  let title = "";
  for (const [, heading, source] of readme.matchAll(/^#+ (.*)|^```ts\n([^]*?)^```$/gm)) {
    if (heading !== undefined) title = heading;
    else found.push({ title, source });
  }
  return found;
}

/** The example with this project in place of the package, and this server in place of its own. */
function runnable({ source }: Example, server: RedisServer): string {
  return source.replaceAll(URL_IN_EXAMPLES, server.url)
    .replace(/"@nsync\/nsync(\/\w+)?"/g, (_, path?: string) => {
      return JSON.stringify(projectUrl(exports[path === undefined ? "." : `.${path}`]));
    });
}

/** The source files with documentation comments that hold programs. */
function documentedFiles(): string[] {
  const files = readdirSync(join(root, "src"), { recursive: true }).map((name) => `src/${name}`);
  return [...files, "mod.ts"].filter((file) =>
    file.endsWith(".ts") && readFileSync(join(root, file), "utf8").includes("* ```ts")
  );
}

describeWithServer("the examples of the README", () => {
  let server: RedisServer;
  let dir: string;
  beforeAll(async () => {
    const config = { appendonly: "yes", appendfsync: "always" };
    server = await startRedis({ config });
    dir = mkdtempSync(join(tmpdir(), "nsync-readme-"));
    await server.command("SET", "foo", "monkey");
    await server.command("HSET", "user:1", "pet", "monkey");
    await server.command("SAVE");
    copyFileSync(join(server.dir, "dump.rdb"), join(dir, "dump.rdb"));
    cpSync(join(server.dir, "appendonlydir"), join(dir, "appendonlydir"), { recursive: true });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it("are there", () => {
    assert.ok(examples().length >= 4);
    for (const { source } of examples()) {
      assert.match(source, /"@nsync\/nsync(\/\w+)?"/);
      const inputs = [URL_IN_EXAMPLES, '"dump.rdb"', '"appendonlydir"'];
      assert.ok(inputs.some((input) => source.includes(input)));
    }
  });

  for (const example of examples()) {
    it(`run: ${example.title}`, async () => {
      const script = startScript({ source: runnable(example, server), cwd: dir });
      await script.printed(/monkey/);
      const endless = example.source.includes("for await (const") &&
        /\b(nsync|mirror)\(/.test(example.source) && !example.source.includes("break;");
      if (endless) {
        await server.command("SET", "foo", "ape");
        await script.printed(/ape/);
        await server.command("SET", "foo", "monkey");
        script.kill("SIGTERM");
      }
      const { code, signal, stderr } = await script.ended;
      assert.equal(stderr, "");
      if (endless) assert.equal(signal, "SIGTERM");
      else assert.equal(code, 0);
    });
  }
});

describe("the documentation", () => {
  (deno === undefined ? it.skip : it)("has only programs that compile", () => {
    const checks = [["--doc-only", "README.md"], ["--doc", ...documentedFiles()]];
    for (const args of checks) {
      const { status, stderr } = spawnSync(String(deno), ["check", ...args], {
        cwd: root,
        encoding: "utf8",
        env: { ...process.env, NO_COLOR: "1" },
      });
      assert.equal(status, 0, stderr);
    }
  });
});

describe("the tables of the README", () => {
  /** The first cells of the table that follows a text, and their second ones. */
  const table = (before: string): Map<string, string> => {
    const at = readme.indexOf(before);
    assert.ok(at >= 0, before);
    const rows = /\n\|[^]*?\n\n/.exec(readme.slice(at))?.[0].trim().split("\n").slice(2) ?? [];
    return new Map(rows.flatMap((row) => {
      const [, names, value] = row.split("|").map((cell) => cell.trim());
      return [...names.matchAll(/`(\w+)`/g)].map(([, name]) => [name, value.replaceAll("`", "")]);
    }));
  };

  it("name every option of a link, with its default", () => {
    const named = table("Of `nsync(url, options)`");
    const source = readFileSync(join(root, "src/options.ts"), "utf8");
    const known = /KNOWN[^=]*= \[([^\]]*)\]/.exec(source)?.[1].match(/\w+/g) ?? [];
    assert.deepEqual([...named.keys()].sort(), [...known].sort());
    const { where, limits, slow, ...settings } = settingsOf({});
    const spool = settingsOf({ slow: "spool" }).slow;
    assert.ok(where.kind === "hosts" && spool.kind === "spool");
    const [{ address, ...access }] = where.hosts;
    const waiting = { slow: slow.kind, spoolDir: spool.dir, maxSpoolBytes: spool.maxBytes };
    const defaults: Record<string, unknown> = {
      ...address,
      ...access,
      ...limits,
      ...waiting,
      ...settings,
    };
    for (const [name, text] of named) {
      const size = /^(\d+) ([MG])iB$/.exec(text);
      const value = size === null
        ? text
        : String(Number(size[1]) * (size[2] === "M" ? 2 ** 20 : 2 ** 30));
      // What is no plain value is told in words.
      const plain = !["object", "function"].includes(typeof defaults[name]);
      if (plain) assert.equal(value, String(defaults[name] ?? ""), name);
    }
  });

  const readers = [["readRdb", "source", "src/rdb/read.ts"], [
    "readAof",
    "path",
    "src/aof/read.ts",
  ]];
  for (const [name, parameter, file] of readers) {
    it(`name every option of ${name}`, () => {
      const source = readFileSync(join(root, file), "utf8");
      const names = new RegExp(`checkOptionNames\\("${name}", options, \\[([^\\]]*)\\]`);
      const known = names.exec(source)?.[1].match(/\w+/g) ?? [];
      const named = [...table(`Of \`${name}(${parameter}, options)\``).keys()];
      assert.ok(known.length > 0);
      assert.deepEqual(named.sort(), known.sort());
    });
  }

  it("name every option of a mirror, and of its changes", () => {
    const interfaces = [["A mirror loads", "src/mirror/options.ts", "MirrorOptions"], [
      "`changes` is called before `ready`",
      "src/mirror/changes.ts",
      "ChangesOptions",
    ]];
    for (const [before, file, name] of interfaces) {
      const source = readFileSync(join(root, file), "utf8");
      const body = new RegExp(`interface ${name} [^]*?\\n}`).exec(source)?.[0] ?? "";
      const known = [...body.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, option]) => option);
      assert.ok(known.length > 5);
      assert.deepEqual([...table(before).keys()].sort(), known.sort());
    }
  });

  it("name every member of a change", () => {
    const source = readFileSync(join(root, "src/mirror/change.ts"), "utf8");
    const body = /class KeyChange [^]*?\n}/.exec(source)?.[0] ?? "";
    const members = [...body.matchAll(/^ {2}(?:readonly|get) (\w+)/gm)].map(([, member]) => member)
      .filter((member) => !member.endsWith("Bytes"));
    assert.deepEqual([...table("one change for each key").keys()].sort(), members.sort());
  });

  it("name every type of event and every kind of value", () => {
    const events = readFileSync(join(root, "src/events.ts"), "utf8");
    const types = [...events.matchAll(/readonly type: "(\w+)"/g)].map(([, type]) => type);
    assert.deepEqual([...table("## Events\n").keys()].sort(), types.sort());
    const values = readFileSync(join(root, "src/values.ts"), "utf8");
    const kinds = /export type Kind =([^;]*);/.exec(values)?.[1].match(/\w+/g) ?? [];
    const named = [...table("\n| `kind`").keys()];
    assert.deepEqual(named.sort(), [...kinds].sort());
  });
});
