import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, it } from "@std/testing/bdd";
import { describeWithServer } from "../support/describe_with_server.ts";
import { type RunningScript, startScript } from "../support/exit.ts";
import { writeNumbered } from "../support/numbered_writes.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { Seeded } from "../support/seeded.ts";

const CHILD = fileURLToPath(new URL("kill_child.ts", import.meta.url));
const FORMS = ["iterator", "callback", "batches"];
/** Writes in a row, and milliseconds between two rows. */
const ROW = 100;
const PACE = 10;

/** What a process handled in its life. */
interface Life {
  /** Offset of the checkpoint that it found. */
  readonly saved: number;
  readonly lines: readonly string[];
}

/** Writes on and on, until told to stop; answers how many writes that were. */
class Writing {
  #stop = false;
  readonly #written: Promise<number>;

  constructor(server: RedisServer) {
    this.#written = this.#write(server);
  }

  async #write(server: RedisServer): Promise<number> {
    await using client = await server.client();
    let first = 0;
    for (; !this.#stop; first += ROW) {
      await writeNumbered(client, { count: ROW, first });
      await new Promise((resolve) => setTimeout(resolve, PACE));
    }
    return first;
  }

  stop(): Promise<number> {
    this.#stop = true;
    return this.#written;
  }
}

describeWithServer("a process that is killed", () => {
  let server: RedisServer;
  let dir: string;
  let checkpoint: string;
  let log: string;
  beforeEach(async () => {
    server = await startRedis({ config: { "repl-backlog-size": "64mb" } });
    dir = mkdtempSync(join(tmpdir(), "nsync-killed-"));
    checkpoint = join(dir, "checkpoint");
    log = join(dir, "log");
    writeFileSync(log, "");
  });
  afterEach(async () => {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  function start(form: string, last = -1): RunningScript {
    const args = [server.url, form, checkpoint, log, String(last)];
    return startScript({ file: CHILD, args, timeoutMs: 60_000 });
  }

  function savedOffset(): number {
    return existsSync(checkpoint) ? Number(readFileSync(checkpoint, "latin1").split(":")[2]) : -1;
  }

  /** The whole lines that were written since there were `before` bytes; a torn one is dropped. */
  function linesSince(before: number): string[] {
    const text = readFileSync(log, "latin1");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    writeFileSync(log, whole);
    return whole.slice(before).split("\n").slice(0, -1);
  }

  /** Starts it `kills` times, kills it each time, and lets it come to the end then. */
  async function live(kills: number, seed: number, form: (life: number) => string) {
    const random = new Seeded(seed);
    const lives: Life[] = [];
    // The first life gets behind the snapshot; then the writes begin.
    const first = start(form(0));
    await first.printed(/started/);
    if (form(0) !== "exact") { while (savedOffset() < 0) await pause(5); }
    else while (readFileSync(log).length === 0) await pause(5);
    const writing = new Writing(server);
    let child = first;
    for (let life = 1; life <= kills; life++) {
      await child.printed(/started/);
      await pause(random.int(0, 300));
      child.kill("SIGKILL");
      const { signal } = await child.ended;
      assert.equal(signal, "SIGKILL", child.stderr);
      // Every life but the first begins with what the one before had saved.
      lives.push({ saved: savedOffset(), lines: linesSince(handled(lives)) });
      child = start(form(life));
    }
    const count = await writing.stop();
    child.kill("SIGKILL");
    await child.ended;
    lives.push({ saved: savedOffset(), lines: linesSince(handled(lives)) });
    const end = start(form(0), count - 1);
    const { code, stderr } = await end.ended;
    assert.equal(code, 0, stderr);
    lives.push({ saved: savedOffset(), lines: linesSince(handled(lives)) });
    return { lives, count };
  }

  function handled(lives: readonly Life[]): number {
    return lives.reduce((sum, { lines }) => sum + lines.join("\n").length + (lines.length && 1), 0);
  }

  it("goes on from its checkpoint: nothing is skipped, and nothing before it repeated", async () => {
    const { lives, count } = await live(50, 1, (life) => FORMS[life % FORMS.length]);
    assert.deepEqual(lives[0].lines.slice(0, 2), ["reset", "eof"]);
    let due = 0;
    let repeated = 0;
    let progress = 0;
    for (const [life, { lines, saved }] of lives.entries()) {
      const before = life === 0 ? -1 : lives[life - 1].saved;
      assert.ok(saved >= before);
      if (saved > before) progress++;
      for (const [i, line] of lines.slice(life === 0 ? 2 : 0).entries()) {
        const [number, offset] = line.split(" ").map(Number);
        // It may go back behind the checkpoint, but only as its first step.
        if (i === 0) repeated += due - number;
        assert.ok(i === 0 ? number <= due : number === due, `life ${life}: ${number} for ${due}`);
        assert.ok(offset > before, `life ${life}: ${offset} is before ${before}`);
        due = number + 1;
      }
    }
    assert.equal(due, count);
    assert.ok(progress > 10, `${progress} lives got further`);
    assert.ok(repeated > 0, "no life was cut between an event and its checkpoint");
  });

  it("and keeps its position with its effects handles everything once", async () => {
    const { lives, count } = await live(15, 2, () => "exact");
    const numbers = lives.flatMap(({ lines }) =>
      lines.flatMap((line) => line.split(",").slice(1)).filter((one) => /\d/.test(one))
    );
    assert.deepEqual(
      numbers.map((one) => parseInt(one)),
      Array.from({ length: count }, (_, i) => i),
    );
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
