import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Rate } from "../../src/link/meter.ts";

/** A counter, a clock and the rate at which the one grows by the other. */
class Run {
  count = 0;
  now = 1000;
  readonly rate = new Rate(() => this.count, () => this.now);

  /** Something comes after so many milliseconds. */
  grow(by: number, after: number): void {
    this.now += after;
    this.rate.mark();
    this.count += by;
    this.rate.mark();
  }

  /** The rate after so many more milliseconds, rounded. */
  after(ms: number): number {
    this.now += ms;
    return Math.round(this.rate.perSecond);
  }
}

describe("a rate", () => {
  it("is 0 before anything has come", () => {
    assert.equal(new Run().after(0), 0);
    assert.equal(new Run().after(100_000), 0);
  });

  it("is that of an even flow, however fine its pieces", () => {
    for (const step of [1, 10, 100]) {
      const run = new Run();
      for (let ms = 0; ms < 20_000; ms += step) run.grow(3 * step, step);
      const seen = run.after(step);
      assert.ok(Math.abs(seen - 3000) <= 0.03 * 3000, `${seen} with pieces of ${step} ms`);
    }
  });

  it("takes no first event for a flood", () => {
    const run = new Run();
    run.grow(10, 0);
    assert.equal(run.after(1), 10);
    assert.equal(run.after(999), 10);
    assert.equal(run.after(1000), 5);
  });

  it("counts a burst behind a long silence, until five seconds later", () => {
    const run = new Run();
    run.grow(1, 0);
    run.grow(1000, 60_000);
    assert.equal(run.after(10), 200);
    assert.equal(run.after(4900), 200);
    assert.equal(run.after(500), 0);
    assert.equal(run.after(60_000), 0);
  });

  it("is the same to somebody who asks rarely and somebody who asks often", () => {
    const [rare, often] = [new Run(), new Run()];
    for (let ms = 0; ms < 30_000; ms += 20) {
      rare.grow(2, 20);
      often.grow(2, 20);
      often.after(0);
    }
    assert.equal(rare.after(0), often.after(0));
  });

  it("follows a change within five seconds", () => {
    const run = new Run();
    for (let ms = 0; ms < 10_000; ms += 10) run.grow(10, 10);
    for (let ms = 0; ms < 5000; ms += 10) run.grow(50, 10);
    const seen = run.after(0);
    assert.ok(Math.abs(seen - 5000) < 100, String(seen));
  });
});
