import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { describe, it } from "@std/testing/bdd";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The modules below a directory, by their paths from the root. */
function modules(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".gen.ts"))
    .map((name) => join(directory, name));
}

/** What a module needs at run time: its imports and exports from files, less those of types alone. */
function needs(path: string): string[] {
  const source = readFileSync(join(root, path), "utf8");
  const statements = source.matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from\s+"(\.[^"]+)"/gm);
  return [...statements]
    .filter(([statement]) => !/^\w+\s*\{(?:\s*type\s[^,}]+,?)+\s*\}/.test(statement))
    .map(([, to]) => normalize(join(dirname(path), to)));
}

const graph = new Map(["mod.ts", ...modules("src")].map((path) => [path, needs(path)]));

/** The first cycle that is met below a module. */
function cycle(path: string, above: readonly string[], done: Set<string>): string[] | undefined {
  if (above.includes(path)) return [...above.slice(above.indexOf(path)), path];
  if (done.has(path)) return undefined;
  for (const next of graph.get(path) ?? []) {
    const found = cycle(next, [...above, path], done);
    if (found !== undefined) return found;
  }
  done.add(path);
  return undefined;
}

describe("the modules", () => {
  it("do not need each other in circles", () => {
    assert.ok(graph.size > 40, `${graph.size} modules`);
    const done = new Set<string>();
    for (const path of graph.keys()) assert.equal(cycle(path, [], done)?.join(" -> "), undefined);
  });

  it("of decoding and events know no runtime, and none of the link knows one", () => {
    const types = ["events.ts", "values.ts"].map((name) => join("src", name));
    const runtime = /from "node:|\bDeno\.|\bBun\./;
    for (const path of graph.keys()) {
      const layer = path.split(sep)[1];
      if (layer !== "decode" && layer !== "link" && !types.includes(path)) continue;
      assert.doesNotMatch(readFileSync(join(root, path), "utf8"), runtime, path);
    }
  });

  it("of the command use nothing but what everybody can", () => {
    const allowed = new Set([
      "mod.ts",
      join("src", "aof", "mod.ts"),
      join("src", "doctor", "mod.ts"),
      join("src", "version.ts"),
    ]);
    for (const [path, needed] of graph) {
      if (!path.startsWith(join("src", "cli"))) continue;
      for (const to of needed) {
        assert.ok(to.startsWith(join("src", "cli")) || allowed.has(to), `${path} needs ${to}`);
      }
    }
  });

  it("of the mirror are for its own door only, and its store and commands know no shell", () => {
    const mirror = join("src", "mirror") + sep;
    const low = ["store", "commands"].map((folder) => mirror + folder + sep);
    const shared = ["load.ts", "values.ts", "opaque.ts", "exact.ts"].map((name) => mirror + name);
    for (const [path, needed] of graph) {
      for (const to of needed.filter((to) => to.startsWith(mirror))) {
        assert.ok(path.startsWith(mirror), `${path} needs ${to}`);
        if (!low.some((folder) => path.startsWith(folder))) continue;
        const isLow = low.some((folder) => to.startsWith(folder)) || shared.includes(to);
        assert.ok(isLow, `${path} needs ${to}`);
      }
    }
  });
});
