// The npm package as its users get it: packed, installed into an empty project, and there imported,
// compiled against, and run as a command. Runs in Node: `node --test tests/package/smoke.mjs`.

import assert from "node:assert/strict";
import * as esbuild from "esbuild";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { findRuntime } from "../../scripts/runtimes.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dump = join(root, "tests/fixtures/redis-7.0.15/multidb");
const tsc = join(root, "node_modules/typescript/bin/tsc");
const { name, version, exports } = readJson(join(root, "package.json"));
const entries = Object.keys(exports).filter((key) => exports[key].types !== undefined)
  .map((key) => key.replace(".", name));
const bun = findRuntime("bun");
const deno = findRuntime("deno");
// Deno takes what is installed; without that it would ask the registry.
const denoRun = ["run", "-A", "--node-modules-dir=manual"];

const temporary = mkdtempSync(join(tmpdir(), "nsync-package-"));
const project = join(temporary, "project");
const installed = join(project, "node_modules", name);

function readJson(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}

/** What a command prints, which must succeed. */
function run(cwd, command, ...args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  assert.equal(status, 0, `${command} ${args.join(" ")}\n${error ?? ""}${stdout}${stderr}`);
  return stdout;
}

/** Skips a test whose runtime is not there. */
function needs(command) {
  return { skip: command === undefined && "the runtime does not run here" };
}

function write(file, text) {
  writeFileSync(join(project, file), text);
}

describe("the npm package", () => {
  before(() => {
    run(root, "npm", "pack", "--pack-destination", temporary);
    const [tarball] = readdirSync(temporary).filter((file) => file.endsWith(".tgz"));
    mkdirSync(project);
    write("package.json", JSON.stringify({ private: true, type: "module" }));
    run(
      project,
      "npm",
      "install",
      "--offline",
      "--no-audit",
      "--no-fund",
      join(temporary, tarball),
    );
    copyFileSync(new URL("program.mjs", import.meta.url), join(project, "program.mjs"));
  });

  after(() => {
    rmSync(temporary, { recursive: true, force: true });
  });

  it("holds what is built, and nothing that runs while it is installed", () => {
    const allowed = ["LICENSE", "README.md", "dist", "package.json"];
    assert.deepEqual(readdirSync(installed).filter((file) => !allowed.includes(file)), []);
    const { scripts, dependencies } = readJson(join(installed, "package.json"));
    assert.deepEqual(Object.keys(scripts).filter((key) => /install|prepare/.test(key)), []);
    assert.equal(dependencies, undefined);
  });

  it("has the version that deno.json gives", () => {
    assert.equal(readJson(join(root, "deno.json")).version, version);
  });

  it("exports the core as a module that needs no host", () => {
    const core = new WebAssembly.Module(readFileSync(join(installed, "dist/core.wasm")));
    assert.deepEqual(WebAssembly.Module.imports(core), []);
    assert.equal(exports["./core.wasm"], "./dist/core.wasm");
  });

  const keys = Object.values(readJson(`${dump}.json`).databases)
    .reduce((sum, database) => sum + database.keys.length, 0);
  const program = ["program.mjs", `${dump}.rdb`, ...entries];
  const runtimes = {
    Node: [process.execPath, ...program],
    Bun: bun && [bun, ...program],
    Deno: deno && [deno, ...denoRun, ...program],
  };
  for (const [runtime, command] of Object.entries(runtimes)) {
    it(`is imported and reads an RDB file in ${runtime}`, needs(command), () => {
      const { exported, copies, events } = JSON.parse(run(project, ...command));
      assert.deepEqual(Object.keys(exported).filter((entry) => exported[entry].length === 0), []);
      assert.equal(copies, 0);
      assert.equal(events.load, keys);
      assert.equal(events.eof, 1);
    });
  }

  it("reads what real servers wrote, in Node", async () => {
    await esbuild.build({
      entryPoints: [join(root, "tests/package/snapshots.ts")],
      outfile: join(project, "snapshots.mjs"),
      bundle: true,
      format: "esm",
      platform: "node",
      logLevel: "warning",
    });
    write("read.mjs", READ_SNAPSHOTS);
    const { NSYNC_CORPUS = join(root, "tests/fixtures") } = process.env;
    const env = { ...process.env, NSYNC_CORPUS };
    const { stdout, stderr } = spawnSync(process.execPath, ["read.mjs"], {
      cwd: project,
      encoding: "utf8",
      env,
    });
    assert.ok(Number(stdout) > 290, stdout + stderr);
  });

  const commands = {
    "npx nsync": ["npx", "--offline", "nsync"],
    "node_modules/.bin/nsync": [process.execPath, "node_modules/.bin/nsync"],
    "bunx nsync": bun && [bun, "x", "nsync"],
    "bunx --bun nsync": bun && [bun, "x", "--bun", "nsync"],
    "deno run npm:nsync": deno && [deno, ...denoRun, `npm:${name}`],
  };
  for (const [title, command] of Object.entries(commands)) {
    it(`is a command: ${title}`, needs(command), () => {
      assert.ok(run(project, ...command, "--version").includes(version));
      assert.match(run(project, ...command, "--help"), /nsync \[/);
    });
  }

  it("is bundled for a browser without a flag, and needs nothing there", () => {
    write("browser.js", `import { readRdb } from "${name}/rdb"; readRdb(new Blob([]));`);
    const esbuild = join(root, "node_modules/.bin/esbuild");
    const flags = ["--bundle", "--format=esm", "--platform=browser", "--log-level=warning"];
    const files = ["--outfile=bundle.js", "--metafile=bundle.json"];
    assert.equal(run(project, esbuild, "browser.js", ...flags, ...files), "");
    const { inputs, outputs } = readJson(join(project, "bundle.json"));
    assert.ok(`node_modules/${name}/dist/rdb.js` in inputs);
    assert.deepEqual(outputs["bundle.js"].imports, []);
  });

  for (const module of ["nodenext", "esnext"]) {
    const moduleResolution = module === "esnext" ? "bundler" : module;
    it(`has types for moduleResolution ${moduleResolution}`, () => {
      write("main.ts", PROGRAM);
      const compilerOptions = {
        ...{ module, moduleResolution, target: "esnext", lib: ["esnext", "dom"], types: [] },
        ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true },
      };
      write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["main.ts"] }));
      run(project, process.execPath, tsc, "-p", ".");
    });
  }

  it("has types for Deno", needs(deno), () => {
    write("main.ts", PROGRAM);
    run(project, deno, "check", "--node-modules-dir=manual", "main.ts");
  });
});

const READ_SNAPSHOTS = `
import { readRdb } from "${name}";
import { readSnapshots } from "./snapshots.mjs";

console.log(await readSnapshots(readRdb));
`;

/** Imports all entries, and would not compile if a type had become `any`. */
const PROGRAM = `
${entries.map((entry, i) => `import * as entry${i} from "${entry}";`).join("\n")}
import { NsyncError, readRdb } from "${name}";

export const all = [${entries.map((_, i) => `entry${i}`)}];

try {
  for await (const event of readRdb("dump.rdb")) {
    if (event.type !== "load") continue;
    const key: string = event.key;
    // @ts-expect-error: a key is text
    const wrong: number = event.key;
    console.log(key, wrong);
  }
} catch (error) {
  if (error instanceof NsyncError) console.log(error.message);
}
`;
