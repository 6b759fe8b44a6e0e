import type { Seeded } from "../../tests/support/seeded.ts";
import { Maker } from "./maker.ts";

const COMMANDS: readonly (readonly string[])[] = [
  ...[["set", "k", "v"], ["DEL", "a", "b"], ["MSET", "a", "1", "b", "2"], ["hset", "h", "f", "v"]],
  ...[["EVAL", "return 1", "1", "k"], ["EVAL", "return 1", "-1"], ["eval", "x", "9999999999", "k"]],
  ...[["XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"], ["SORT", "k", "STORE", "d"]],
  ...[["ZUNIONSTORE", "d", "2", "a", "b"], ["ZUNIONSTORE", "d", "nan"], ["XADD", "s", "*"]],
  ...[["LMPOP", "2", "a", "b", "LEFT"], ["BITOP", "AND", "d", "a"], ["RESTORE"], ["json.set", "k"]],
];
const OWN: readonly (readonly string[])[] = [
  ...[["PING"], ["ping"], ["SELECT", "0"], ["select", "15"], ["SELECT", ""], ["SELECT", "x"]],
  ...[["REPLCONF", "GETACK", "*"], ["replconf", "ack", "1"], ["SELECT"], ["EXEC"], [""]],
];

/** A command, `*argc CRLF` and its arguments. */
export function multibulk(maker: Maker, command?: readonly string[]): void {
  const args = command ?? maker.random.pick(COMMANDS);
  number(maker, "*", args.length);
  for (const arg of args) {
    const content = command === undefined && maker.once(6) ? maker.content() : arg;
    number(maker, "$", content.length);
    maker.out.text(`${content}\r\n`);
  }
}

function number(maker: Maker, mark: string, n: number): void {
  const zeros = maker.once(60) ? "0".repeat(maker.random.int(1, 15)) : "";
  maker.out.text(`${mark}${zeros}${maker.claimed(n)}\r\n`);
}

/** A command stream. */
export function makeCommands(random: Seeded): Uint8Array {
  const maker = new Maker(random, random.int(0, 2) === 0 ? 60 : 0);
  for (let n = maker.few(10); n > 0; n--) {
    if (maker.once(5)) multibulk(maker, random.pick(OWN));
    else if (maker.once(4)) transaction(maker);
    else if (maker.once(12)) maker.out.text("\n".repeat(random.int(1, 3)));
    else if (maker.once(20)) maker.out.text(random.pick(["SELECT 3\r\n", "PING\r\n", "x  y \n"]));
    else multibulk(maker);
  }
  return maker.out.take();
}

function transaction(maker: Maker): void {
  multibulk(maker, ["MULTI"]);
  for (let n = maker.few(); n > 0; n--) {
    multibulk(maker, maker.once(5) ? maker.random.pick(OWN) : undefined);
  }
  if (!maker.once(10)) multibulk(maker, ["EXEC"]);
}
