// Makes what is generated: src/decode/core.gen.ts from the AssemblyScript in wasm/, and the npm
// package in dist/. Runs unchanged in Node, Bun and Deno.

import asc from "assemblyscript/asc";
import * as esbuild from "esbuild";
import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { ASC_OPTIONS } from "./core_options.mjs";
import { script } from "./runtimes.mjs";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));

/** The files of dist/, and the modules they are bundled from. */
const ENTRIES = {
  mod: "mod.ts",
  rdb: "src/rdb/mod.ts",
  aof: "src/aof/mod.ts",
  doctor: "src/doctor/mod.ts",
  mirror: "src/mirror/mod.ts",
  wasm: "src/decode/wasm.ts",
  cli: "src/cli/main.ts",
  bin: "src/cli/bin.ts",
};

const GENERATED = "src/decode/core.gen.ts";
/** Says what dist/ was made of. */
const STAMP = ".cache/built";

/** SHA-256 over all that the core is made of. */
function hashOfSources() {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([asc.version, ASC_OPTIONS]));
  for (const name of readdirSync("wasm").filter((name) => name.endsWith(".ts")).sort()) {
    hash.update(JSON.stringify([name, readFileSync(`wasm/${name}`, "utf8")]));
  }
  return hash.digest("hex");
}

/** What the generated module holds now. */
function readGenerated() {
  const text = existsSync(GENERATED) ? readFileSync(GENERATED, "utf8") : "";
  const find = (name) => text.match(new RegExp(`${name}: string = "(.*)"`))?.[1];
  return { hash: find("sourceHash"), base64: find("wasmBase64") };
}

async function compileCore() {
  let bytes;
  const { error, stderr } = await asc.main([
    "wasm/core.ts",
    "--outFile",
    "core.wasm",
    ...ASC_OPTIONS,
  ], {
    writeFile: (name, contents) => {
      if (name === "core.wasm") bytes = contents;
    },
  });
  process.stderr.write(stderr.toString());
  if (error) throw new Error("wasm/core.ts does not compile.");
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  if (imports.length > 0) {
    const names = imports.map(({ module, name }) => `${module}.${name}`).join(", ");
    throw new Error(`The core must run without a host, but it imports ${names}.`);
  }
  return bytes;
}

function writeGenerated(hash, base64) {
  const text = `// Generated from wasm/ by scripts/build; not in version control.
// deno-fmt-ignore-file
// deno-lint-ignore-file

/** SHA-256 of the sources of the core and of the compiler's version and options. */
export const sourceHash: string = "${hash}";

/** The compiled core. */
export const wasmBase64: string = "${base64}";
`;
  // In one step, for a test that runs meanwhile.
  const temporary = `${GENERATED}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, GENERATED);
}

async function bundle(outdir) {
  await esbuild.build({
    entryPoints: ENTRIES,
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    external: ["node:*"],
    target: "es2022",
    chunkNames: "chunk-[hash]",
    logLevel: "warning",
  });
  await esbuild.stop();
  const bin = `${outdir}/bin.js`;
  writeFileSync(bin, `#!/usr/bin/env node\n${readFileSync(bin, "utf8")}`);
  chmodSync(bin, 0o755);
}

/** Declarations only: `scripts/test` has the types checked. */
function declare(outDir) {
  const [command, ...args] = script("node_modules/typescript/bin/tsc");
  args.push("-p", "scripts/tsconfig.json", "--noCheck", "--outDir", outDir);
  if (spawnSync(command, args, { stdio: "inherit" }).status !== 0) throw new Error("tsc failed.");
}

/** SHA-256 over all that dist/ is made of. */
function hashOfPackage(core) {
  const hash = createHash("sha256").update(JSON.stringify([core, esbuild.version]));
  const below = ["src", "wasm", "scripts"].flatMap((folder) =>
    readdirSync(folder, { recursive: true }).map((name) => `${folder}/${name}`)
  );
  for (const name of ["mod.ts", "package.json", ...below].sort()) {
    if (statSync(name).isFile()) hash.update(JSON.stringify([name, readFileSync(name, "utf8")]));
  }
  return hash.digest("hex");
}

async function build() {
  const hash = hashOfSources();
  const generated = readGenerated();
  let base64 = generated.base64;
  if (generated.hash !== hash || base64 === undefined) {
    base64 = Buffer.from(await compileCore()).toString("base64");
    writeGenerated(hash, base64);
  }
  const packageHash = hashOfPackage(hash);
  // What is used meanwhile is not replaced by the same.
  const built = existsSync("dist") && existsSync(STAMP) && readFileSync(STAMP, "utf8");
  if (built === packageHash) return;
  // Elsewhere first: dist/ is whole, or not there.
  const outdir = `.cache/dist-${process.pid}`;
  try {
    await bundle(outdir);
    declare(`${outdir}/types`);
    writeFileSync(`${outdir}/core.wasm`, Buffer.from(base64, "base64"));
    rmSync(STAMP, { force: true });
    rmSync("dist", { recursive: true, force: true });
    renameSync(outdir, "dist");
    writeFileSync(STAMP, packageHash);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

if (process.argv[2] !== "--check") {
  await build();
} else if (readGenerated().hash !== hashOfSources()) {
  console.error(`${GENERATED} is older than wasm/: run sh scripts/build.`);
  process.exitCode = 1;
}
