import { Core } from "../../src/decode/core.ts";

let peak = 0;
const { reserve } = Core.prototype;

Core.prototype.reserve = function (tape, templates, arena, window): boolean {
  const done = reserve.call(this, tape, templates, arena, window);
  peak = Math.max(peak, this.memoryBytes);
  return done;
};

/** The most linear memory that any core has had since the last call, in bytes. */
export function takePeak(): number {
  const bytes = peak;
  peak = 0;
  return bytes;
}
