// Whole processes, measured from outside.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

/** Between two looks at a running process, in milliseconds. */
const LOOK_MS = 10;
/** Clock ticks per second in /proc: the same on every Linux. */
const TICKS = 100;

/** Processor seconds and peak memory in bytes so far, where /proc tells. */
function look(pid) {
  try {
    const peak = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    // Behind the name, which may hold anything: state, ten numbers, user and system ticks.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
    if (Number.isNaN(peak)) return undefined;
    return { cpu: (Number(stat[11]) + Number(stat[12])) / TICKS, peak: peak * 1024 };
  } catch {
    return undefined;
  }
}

/**
 * Runs a command to its end, which must be good. `hear` is given all that it has printed so far,
 * whenever there is more.
 *
 * @returns seconds from start to end, processor seconds, peak resident bytes, and what it printed
 */
export async function measure([command, ...args], hear = () => {}) {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let used;
  const timer = setInterval(() => used = look(child.pid) ?? used, LOOK_MS);
  let stdout = "";
  child.stdout.on("data", (bytes) => hear(stdout += bytes));
  try {
    const [code, signal] = await once(child, "close");
    const seconds = (performance.now() - started) / 1000;
    if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${signal ?? code}\n${stdout}`);
    return { seconds, cpu: used?.cpu, peak: used?.peak, stdout };
  } finally {
    clearInterval(timer);
  }
}
