import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Expected } from "./truth_compare.ts";

/** A snapshot of a real server with what the server said about it. */
export interface Fixture {
  /** `<build>/<case>`, for test names. */
  readonly name: string;
  /** The directory: server and version, as `redis-7.2.6`. */
  readonly build: string;
  /** What the snapshot is about, as `streams`. */
  readonly case: string;
  /** The path of the `.rdb` file. */
  readonly rdbPath: string;
  /** The RDB version in the header. */
  readonly rdbVersion: number;
  /** The value type bytes that occur. */
  readonly types: readonly number[];
  /** The opcodes that occur. */
  readonly opcodes: readonly number[];
  /** The number of keys. */
  readonly keys: number;
}

/** A broken snapshot. */
export interface DamagedFixture {
  readonly file: string;
  readonly what: string;
  readonly origin: string;
  readonly serverAccepts: boolean;
  readonly keys: number | null;
  readonly rdbPath: string;
}

/** A recorded replication link (see {@link Recording} in recording.ts). */
export interface RecordingFixture {
  /** `<build>/<case>`, for test names. */
  readonly name: string;
  readonly build: string;
  readonly case: string;
  /** The path of the `.json` file that describes it. */
  readonly path: string;
}

/** What a truth file says besides the content. */
export interface TruthFile extends Expected {
  readonly rdbVersion: number;
  readonly magic: string;
  readonly server: "redis" | "valkey";
  readonly version: string;
  readonly truthFrom: "reloaded" | "live-before-save" | "live-at-end";
}

/** Where the snapshots are: the directory in `NSYNC_CORPUS` when set, else tests/fixtures. */
export function corpusDir(): string {
  return process.env.NSYNC_CORPUS ?? fileURLToPath(new URL("../fixtures", import.meta.url));
}

/** All snapshots that have a truth file, sorted by name. */
export function fixtures(): Fixture[] {
  const dir = corpusDir();
  const census: Record<string, Omit<Fixture, "name" | "build" | "case" | "rdbPath">> = JSON.parse(
    readFileSync(join(dir, "census.json"), "utf8"),
  );
  return Object.entries(census)
    .filter(([file]) => existsSync(join(dir, file.replace(/rdb$/, "json"))))
    .map(([file, { rdbVersion, types, opcodes, keys }]) => {
      const name = file.replace(/\.rdb$/, "");
      const [build, rest] = name.split("/");
      return {
        name,
        build,
        case: rest,
        rdbPath: join(dir, file),
        rdbVersion,
        types,
        opcodes,
        keys,
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The snapshot with this name, which must be there. */
export function fixtureNamed(name: string): Fixture {
  const fixture = fixtures().find((fixture) => fixture.name === name);
  if (fixture === undefined) throw new Error(`There is no fixture ${name}.`);
  return fixture;
}

/** The bytes of a snapshot. */
export function loadRdb(fixture: { readonly rdbPath: string }): Uint8Array {
  return new Uint8Array(readFileSync(fixture.rdbPath));
}

/** What the server said about a snapshot. */
export function loadTruth(fixture: Fixture): TruthFile {
  return JSON.parse(readFileSync(fixture.rdbPath.replace(/rdb$/, "json"), "utf8"));
}

/** The broken snapshots. */
export function damagedFixtures(): DamagedFixture[] {
  const dir = join(corpusDir(), "damaged");
  const index: Omit<DamagedFixture, "rdbPath">[] = JSON.parse(
    readFileSync(join(dir, "index.json"), "utf8"),
  );
  return index.map((entry) => ({ ...entry, rdbPath: join(dir, entry.file) }));
}

/** All recorded replication links, sorted by name. */
export function recordingFixtures(): RecordingFixture[] {
  const dir = corpusDir();
  const found: RecordingFixture[] = [];
  for (const build of readdirSync(dir).sort()) {
    const repl = join(dir, build, "repl");
    if (!existsSync(repl)) continue;
    for (const file of readdirSync(repl).sort()) {
      if (!file.endsWith(".json") || file.endsWith(".truth.json")) continue;
      const name = file.replace(/\.json$/, "");
      found.push({ name: `${build}/${name}`, build, case: name, path: join(repl, file) });
    }
  }
  return found;
}
