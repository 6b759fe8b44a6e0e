import { type Entry, listpack } from "./containers.ts";
import type { Maker } from "./maker.ts";
import { anyString, string } from "./strings.ts";

interface Id {
  readonly ms: bigint;
  readonly seq: bigint;
}

function anyId(maker: Maker): Id {
  return { ms: maker.unsigned(), seq: maker.once(2) ? 0n : maker.unsigned() };
}

function rawId(maker: Maker, { ms, seq }: Id): void {
  maker.out.be(ms, 8);
  maker.out.be(seq, 8);
}

function lengthId(maker: Maker, { ms, seq }: Id): void {
  maker.out.length64(ms);
  maker.out.length64(seq);
}

/** A stream as the generation 1 to 5 of its format has it. */
export function stream(maker: Maker, generation: number): void {
  const { out } = maker;
  const nodes = maker.few(2);
  maker.count(nodes);
  for (let i = 0; i < nodes; i++) node(maker);
  maker.count(nodes === 0 ? 0 : maker.few());
  lengthId(maker, anyId(maker));
  if (generation >= 2) {
    lengthId(maker, anyId(maker));
    lengthId(maker, anyId(maker));
    out.length64(maker.unsigned());
  }
  const groups = maker.few(2);
  maker.count(groups);
  for (let i = 0; i < groups; i++) group(maker, generation);
  if (generation >= 4) idempotence(maker);
}

function node(maker: Maker): void {
  string(maker, maker.apart((own) => rawId(own, anyId(own))));
  const names: Entry[] = Array.from({ length: maker.few(3) }, () => maker.content());
  const live = maker.few(3);
  const deleted = maker.few(1);
  const entries: Entry[] = [BigInt(live), BigInt(deleted), BigInt(names.length), ...names, 0n];
  for (let i = 0; i < live + deleted; i++) {
    const same = maker.once(2);
    entries.push(BigInt((same ? 2 : 0) | (i < deleted ? 1 : 0)), maker.signed(), maker.signed());
    const fields = same ? names.length : maker.few(2);
    if (!same) entries.push(maker.claimed(fields));
    for (let field = 0; field < (same ? 1 : 2) * fields; field++) entries.push(maker.content());
    entries.push(maker.claimed(same ? fields + 3 : 2 * fields + 4));
  }
  string(
    maker,
    listpack(
      maker,
      entries.map((entry) => typeof entry === "bigint" ? BigInt.asIntN(64, entry) : entry),
    ),
  );
}

function group(maker: Maker, generation: number): void {
  const { out } = maker;
  anyString(maker);
  lengthId(maker, anyId(maker));
  if (generation >= 2) out.length64(maker.once(3) ? 2n ** 64n - 1n : maker.unsigned());
  const pending = Array.from({ length: maker.few() }, () => anyId(maker));
  maker.count(pending.length);
  for (const id of pending) {
    rawId(maker, id);
    out.le(maker.signed(), 8);
    out.length64(maker.unsigned());
  }
  const consumers = maker.few(2);
  maker.count(consumers);
  const unowned = [...pending];
  for (let i = 0; i < consumers; i++) {
    anyString(maker);
    out.le(maker.signed(), 8);
    if (generation >= 3) out.le(maker.once(3) ? -1n : maker.signed(), 8);
    const owned = unowned.splice(0, maker.few(2));
    maker.count(owned.length);
    for (const id of owned) rawId(maker, maker.once(20) ? anyId(maker) : id);
  }
  if (generation < 5) return;
  maker.count(unowned.length);
  for (const id of unowned) rawId(maker, id);
}

function idempotence(maker: Maker): void {
  const { out, random } = maker;
  out.length64(maker.once(20) ? maker.unsigned() : random.pick([1, 60, 86_400]));
  out.length64(maker.once(20) ? maker.unsigned() : random.pick([1, 100, 10_000]));
  const producers = maker.few(2);
  maker.count(producers);
  for (let i = 0; i < producers; i++) {
    anyString(maker);
    const ids = maker.few(2);
    maker.count(ids);
    for (let id = 0; id < ids; id++) {
      anyString(maker);
      lengthId(maker, anyId(maker));
    }
  }
  out.length64(maker.unsigned());
  out.length64(maker.unsigned());
}
