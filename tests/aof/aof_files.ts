import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  EventStream,
  NsyncError,
  type NsyncEvent,
  type ReadAofOptions,
} from "../../src/aof/mod.ts";
import type { OpenFile } from "../../src/aof/file.ts";
import { AofReader } from "../../src/aof/read.ts";
import { openFile } from "../../src/rdb/source.ts";
import { type Arg, CommandEncoder, encodeCommand } from "../support/resp_encoder.ts";

/** A directory of a test's own. */
export class AofDirectory implements Disposable {
  /** Its path. */
  readonly path: string = mkdtempSync(join(tmpdir(), "nsync-aof-"));

  /** Writes a file, and gives its path. */
  write(name: string, content: string | Uint8Array): string {
    const path = join(this.path, name);
    writeFileSync(path, content);
    return path;
  }

  /** Writes parts and a manifest that names them in this order; gives the path of the directory. */
  writeParts(parts: readonly { readonly type: "b" | "i"; readonly content: Uint8Array }[]): string {
    let manifest = "";
    for (const [i, { type, content }] of parts.entries()) {
      const name = `a.aof.${i + 1}.${type === "b" ? "base" : "incr"}.aof`;
      this.write(name, content);
      manifest += `file ${name} seq ${i + 1} type ${type}\n`;
    }
    this.write("a.aof.manifest", manifest);
    return this.path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Commands as a server appends them. */
export function commands(...list: readonly (readonly Arg[])[]): Uint8Array[] {
  return list.map((args) => encodeCommand(...args));
}

/** The same command many times, with a key for each. */
export function manyCommands(count: number, value: Arg = "x"): Uint8Array {
  const encoder = new CommandEncoder();
  for (let i = 0; i < count; i++) encoder.add("SET", `key:${i}`, value);
  return encoder.take();
}

/** Opens files that give at most so many bytes at a time. */
export function inPieces(size: number): OpenFile {
  return async (path, from) => {
    const file = await openFile(path, from);
    return {
      total: file.total,
      read: (into) => file.read(into.subarray(0, size)),
      close: () => file.close(),
    };
  };
}

/** What reading gave. */
export interface Outcome {
  /** Its events. */
  readonly events: readonly NsyncEvent[];
  /** The error it ended with. */
  readonly error: NsyncError | undefined;
}

/** Reads an append-only file to its end, or to its error. */
export async function outcomeOf(
  path: string | URL,
  options: ReadAofOptions = {},
  open?: OpenFile,
): Promise<Outcome> {
  const events: NsyncEvent[] = [];
  try {
    for await (const event of new EventStream(new AofReader(path, options, open))) {
      events.push(event);
    }
  } catch (error) {
    if (error instanceof NsyncError) return { events, error };
    throw error;
  }
  return { events, error: undefined };
}

/** The plain forms of the events of a sound append-only file. */
export async function eventsOf(
  path: string | URL,
  options?: ReadAofOptions,
  open?: OpenFile,
): Promise<unknown[]> {
  const { events, error } = await outcomeOf(path, options, open);
  if (error !== undefined) throw error;
  return plain(events);
}

/** The plain forms of events. */
export function plain(events: readonly NsyncEvent[]): unknown[] {
  return events.map((event) => event.toJSON());
}

/** A command in few words: `db name args`, and `[first`, `last]` of its transaction; an aux field as `name=value`. */
export function brief(events: readonly NsyncEvent[]): string[] {
  return events.map((event) => {
    if (event.type === "aux") return `${event.name}=${event.value}`;
    if (event.type !== "cmd") return event.type;
    const { first, last } = event.transaction ?? {};
    const text = [event.db, event.name, ...event.args].join(" ");
    return `${first ? "[" : ""}${text}${last ? "]" : ""}`;
  });
}
