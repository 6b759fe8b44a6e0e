/**
 * Events in the words of people, one line each.
 *
 * @module
 */

import type {
  CmdEvent,
  EofEvent,
  LoadEvent,
  NsyncEvent,
  ResetEvent,
  SlotEvent,
} from "../../mod.ts";
import { escaped } from "./escape.ts";
import { Line, type Style } from "./line.ts";
import { addLoaded, addWord } from "./value.ts";

/** How wide lines may be, and whether they have colours. */
export interface Look {
  /** Columns. */
  readonly width: number;
  /** ANSI colours. */
  readonly colours: boolean;
}

const STYLES: Readonly<Record<NsyncEvent["type"], Style>> = {
  load: "good",
  cmd: "change",
  error: "bad",
  reset: "turn",
  eof: "turn",
  resume: "turn",
  aux: "faint",
  function: "faint",
  moduleAux: "faint",
  slot: "faint",
};

/** Events about the link itself: these are shown whole. */
const WHOLE: ReadonlySet<NsyncEvent["type"]> = new Set(["reset", "eof", "resume", "error"]);

/** The event as a line, without its end. */
export function describe(event: NsyncEvent, look: Look): string {
  const line = new Line(WHOLE.has(event.type) ? Infinity : look.width, look.colours);
  line.add(event.type.padEnd(6), STYLES[event.type]).add(" ");
  addEvent(line, event);
  return line.toString();
}

function addEvent(line: Line, event: NsyncEvent): void {
  switch (event.type) {
    case "reset": {
      const server = event.serverVersion === undefined ? "" : `server ${event.serverVersion}, `;
      const at = event.replId === undefined ? "" : `, offset ${event.offset} of ${event.replId}`;
      line.add(escaped(`${server}${snapshot(event)} (${event.reason})${at}`));
      break;
    }
    case "load":
      return addLoad(line, event);
    case "aux":
      addWord(line, event.name);
      line.add(" ");
      return addWord(line, event.value);
    case "function":
      addWord(line, event.name);
      line.add(` ${escaped(event.engine)}, ${event.codeBytes.length} bytes`);
      break;
    case "moduleAux":
      line.add(`${escaped(event.value.name)}, ${event.valueBytes.length} bytes`);
      break;
    case "slot":
      line.add(escaped(slot(event)));
      break;
    case "eof":
      line.add(eof(event));
      break;
    case "resume":
      line.add(escaped(`offset ${event.offset} of ${event.replId}`));
      break;
    case "cmd":
      return addCommand(line, event);
    case "error":
      line.add(`${event.error.code} `, "strong").add(escaped(event.error.message));
  }
}

function addLoad(line: Line, event: LoadEvent): void {
  const notes: string[] = [];
  if (event.part !== undefined) {
    notes.push(`part ${event.part.index}${event.part.last ? ", last" : ""}`);
  }
  if (event.kind === "hash" && event.fieldExpireAt.size > 0) {
    notes.push(`${event.fieldExpireAt.size} of its fields expire`);
  }
  if (event.expireAt !== undefined) notes.push(`expires ${time(event.expireAt)}`);
  if (notes.length > 0) line.tail(` (${notes.join("; ")})`);
  line.add(`db${event.db} `, "faint").add(`${event.kind.padEnd(6)} `);
  addWord(line, event.key, "strong");
  line.add(" ");
  addLoaded(line, event);
}

function addCommand(line: Line, { db, name, args, transaction }: CmdEvent): void {
  if (transaction !== undefined) {
    const { id, first, last } = transaction;
    const place = first === last ? "" : first ? " begins" : " ends";
    line.tail(` (transaction ${id}${place})`);
  }
  line.add(`db${db} `, "faint");
  addWord(line, name, "strong");
  for (const arg of args) {
    if (line.full) return;
    line.add(" ");
    addWord(line, arg);
  }
}

function snapshot({ snapshot, rdbVersion }: ResetEvent): string {
  switch (snapshot) {
    case "none":
      return "no snapshot";
    case "empty":
      return "a snapshot without data";
    case "skipped":
      return `RDB version ${rdbVersion}, passed over`;
    default:
      return `RDB version ${rdbVersion}`;
  }
}

function slot({ action, slot, keys, expires, job, ranges }: SlotEvent): string {
  if (action === "info") return `${slot}: ${keys} keys, ${expires} of them expire`;
  const text = ranges.map(([first, last]) => first === last ? `${first}` : `${first}-${last}`);
  return `import of ${text.join(" ")} by ${job}`;
}

function eof({ keys, counts, checksum }: EofEvent): string {
  const databases = Object.entries(counts).map(([db, kinds]) =>
    `db${db}: ${Object.entries(kinds).map(([kind, n]) => `${n} ${kind}`).join(", ")}`
  );
  return [
    `the snapshot is complete: ${keys} ${keys === 1 ? "key" : "keys"}`,
    ...databases,
    `checksum ${checksum}`,
  ].join("; ");
}

/** Milliseconds since 1970 as a date, where there is one. */
function time(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString().replace(/\.\d+/, "");
}
