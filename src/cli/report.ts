/**
 * What the doctor finds, as people read it.
 *
 * @module
 */

import process from "node:process";
import type { DoctorReport, Finding, FindingState } from "../doctor/mod.ts";
import type { Format } from "./arguments.ts";
import { escaped, escapedJson } from "./escape.ts";
import { Line, type Style, widthOf } from "./line.ts";
import { withFlags } from "./tls.ts";

const STYLES: Readonly<Record<FindingState, Style>> = {
  ok: "good",
  warning: "turn",
  problem: "bad",
  unknown: "faint",
};
const STATE_WIDTH = 9;
const CHECK_WIDTH = 15;
/** Where the words begin. */
const INDENT = STATE_WIDTH + CHECK_WIDTH;
const LEAST_WIDTH = 30;

/** The report as lines for people, or with `json` as one line of JSON. */
export function reportText(
  report: DoctorReport,
  format: Format,
  { terminal, width }: { readonly terminal: boolean; readonly width: number },
): string {
  if (format === "json") return `${escapedJson(JSON.stringify(report))}\n`;
  const { NO_COLOR, TERM } = process.env;
  const colours = terminal && !NO_COLOR && TERM !== "dumb";
  return [
    ...report.findings.flatMap((finding) => findingLines(finding, width, colours)),
    "",
    conclusion(report),
    "",
  ].join("\n");
}

function findingLines(finding: Finding, width: number, colours: boolean): string[] {
  const { check, state, message, advice } = finding;
  const texts = [message, ...(advice === undefined ? [] : [advice])];
  const room = Math.max(LEAST_WIDTH, width - INDENT);
  return texts.flatMap((text) => wrapped(escaped(withFlags(text)), room)).map((text, i) => {
    const line = new Line(Infinity, colours);
    if (i > 0) return line.add(" ".repeat(INDENT)).add(text).toString();
    line.add(state.padEnd(STATE_WIDTH), STYLES[state]);
    return line.add(check.padEnd(CHECK_WIDTH)).add(text).toString();
  });
}

/** The text in lines of no more than so many columns, as far as its words are not longer. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (widthOf(longer) <= columns || line === "") line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

function conclusion({ ok, address, findings }: DoctorReport): string {
  const count = (wanted: FindingState) => findings.filter(({ state }) => state === wanted).length;
  const [problems, warnings] = [count("problem"), count("warning")];
  const also = warnings === 0 ? "" : ` (${warnings} ${warnings === 1 ? "warning" : "warnings"})`;
  if (ok) return escaped(`nsync can follow ${address}${also}.`);
  const what = problems === 1 ? "for the problem above" : `for the ${problems} problems above`;
  return escaped(`nsync cannot follow ${address}, ${what}${also}.`);
}
