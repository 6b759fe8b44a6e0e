// The nsync command in a process of its own, its lines shown as they come.

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { script } from "../runtimes.mjs";

const PATIENCE_MS = 20_000;

/** A running `nsync --pretty`. */
export class Follower {
  #child;
  #ended;
  #seen = "";
  #look = () => {};

  constructor(source) {
    const [command, ...args] = script("dist/bin.js");
    this.#child = spawn(command, [...args, "--pretty", source], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, COLUMNS: String(process.stdout.columns ?? 100) },
    });
    this.#ended = once(this.#child, "close");
    this.#child.stdout.setEncoding("utf8");
    this.#child.stdout.on("data", (text) => {
      process.stdout.write(text);
      this.#seen += text;
      this.#look();
    });
    this.#ended.then(() => this.#look());
  }

  /** Waits for a line, and forgets what stands before it. */
  async line(pattern) {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      for (let end; (end = this.#seen.indexOf("\n")) >= 0;) {
        const line = this.#seen.slice(0, end);
        this.#seen = this.#seen.slice(end + 1);
        if (pattern.test(line)) return;
      }
      const { exitCode, signalCode } = this.#child;
      if (exitCode !== null || signalCode !== null || performance.now() > deadline) {
        throw new Error(`nsync printed no line like ${pattern}.`);
      }
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#look = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The exit code, once it has ended by itself. */
  async ended() {
    const [code] = await this.#ended;
    return code;
  }

  /** Interrupts it as Ctrl-C does; the exit code. */
  interrupt() {
    process.kill(this.#child.pid, "SIGINT");
    return this.ended();
  }

  /** Ends it, whatever it does. */
  kill() {
    this.#child.kill("SIGKILL");
  }
}
