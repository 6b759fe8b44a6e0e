// A small RDB file, for a machine without a server: version 9, without a checksum.

import { Buffer } from "node:buffer";

const STRING = 0;
const LIST = 1;
const SET = 2;
const HASH = 4;
const ZSET = 5;
const STREAM = 15;
const AUX = 0xfa;
const EXPIRY = 0xfc;
const SELECTDB = 0xfe;
const EOF = 0xff;

function length(n) {
  if (n < 64) return Buffer.from([n]);
  const bytes = Buffer.alloc(9, 0x81);
  bytes.writeBigUInt64BE(BigInt(n), 1);
  return bytes;
}

function string(text) {
  const bytes = Buffer.from(text);
  return Buffer.concat([length(bytes.length), bytes]);
}

function double(n) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(n);
  return bytes;
}

function milliseconds(n) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(n));
  return bytes;
}

/** A type or opcode, a key and a value made of parts. */
function key(type, name, ...parts) {
  return Buffer.concat([Buffer.from([type]), string(name), ...parts]);
}

function many(items) {
  return Buffer.concat([length(items.length), ...items]);
}

/** Small integers and short strings, each followed by its own size. */
function listpack(items) {
  const entries = items.map((item) => {
    const bytes = typeof item === "number"
      ? Buffer.from([item])
      : Buffer.from([0x80 | item.length, ...Buffer.from(item)]);
    return Buffer.from([...bytes, bytes.length]);
  });
  const header = Buffer.alloc(6);
  header.writeUInt32LE(entries.reduce((sum, { length }) => sum + length, header.length + 1));
  header.writeUInt16LE(items.length, 4);
  return Buffer.concat([header, ...entries, Buffer.from([0xff])]);
}

function streamId(ms, seq) {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(BigInt(ms));
  bytes.writeBigUInt64BE(BigInt(seq), 8);
  return bytes;
}

/** A stream with one entry of one field, delivered to the one consumer of a group. */
function stream(name, now, [field, value], group, consumer) {
  const id = [length(now), length(0)];
  // Count, deleted, the entry's field and its end; then flags, distances, the value, elements.
  const node = listpack([1, 0, 1, field, 0, 2, 0, 0, value, 4]);
  const nodeKey = Buffer.concat([length(16), streamId(now, 0)]);
  const pending = Buffer.concat([streamId(now, 0), milliseconds(now), length(1)]);
  const owner = [string(consumer), milliseconds(now), many([streamId(now, 0)])];
  return key(
    STREAM,
    name,
    many([Buffer.concat([nodeKey, length(node.length), node])]),
    ...[length(1), ...id],
    many([Buffer.concat([string(group), ...id, many([pending]), many([Buffer.concat(owner)])])]),
  );
}

/** The bytes of a snapshot with the demo's data. */
export function sampleRdb(now) {
  const texts = (...items) => many(items.map(string));
  const fields = [["name", "Ann"], ["city", "Zürich"]];
  const scores = [["ann", 3.5], ["bob", 12]];
  return Buffer.concat([
    Buffer.from("REDIS0009"),
    key(AUX, "redis-ver", string("6.2.0")),
    Buffer.from([SELECTDB, 0]),
    key(STRING, "foo", string("monkey")),
    key(STRING, "foo:one", string("donkey")),
    key(STRING, "bar:one", string("seahorse")),
    key(STRING, "bar:two", string("jellyfish")),
    Buffer.concat([Buffer.from([EXPIRY]), milliseconds(now + 3_600_000)]),
    key(STRING, "session", string("open")),
    key(LIST, "queue", texts("first", "second", "third one")),
    key(SET, "colours", texts("red", "green", "blue")),
    key(HASH, "user:1", many(fields.map((pair) => Buffer.concat(pair.map(string))))),
    key(ZSET, "scores", many(scores.map(([m, s]) => Buffer.concat([string(m), double(s)])))),
    stream("events", now, ["kind", "login"], "readers", "worker-1"),
    Buffer.from([EOF]),
    Buffer.alloc(8),
  ]);
}
