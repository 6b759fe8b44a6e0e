import { describe } from "@std/testing/bdd";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { type Browser, chromium } from "playwright-core";

/** Without a window, and without asking anything of any network by itself. */
const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Chromium's binary on this machine, or `undefined`. */
export function chromiumBinary(): string | undefined {
  const dirs = ["/usr/bin", ...(process.env.PATH ?? "").split(delimiter)];
  return dirs.map((dir) => join(dir, "chromium")).find(isExecutable);
}

/** Starts Chromium, which goes with `close()`. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumBinary(), args: ARGUMENTS });
}

/** `describe` for tests in a browser: skipped where there is no Chromium. */
export const describeWithChromium: (name: string, suite: () => void) => void =
  chromiumBinary() === undefined ? describe.skip : describe;
