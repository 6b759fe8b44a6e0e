import type { Arg } from "./resp_encoder.ts";
import type { MakeCommand, Maker } from "./mirror_workload.ts";

function group({ random }: Maker): string {
  return `g${random.int(1, 3)}`;
}

function consumer({ random }: Maker): string {
  return `c${random.int(1, 4)}`;
}

/** An id that may well be that of an entry. */
function id({ random }: Maker): string {
  return `${random.int(1, 60)}-${random.int(0, 2)}`;
}

function entry(m: Maker): Arg[] {
  const names = m.random.int(1, 4) === 1 ? m.many(3, () => m.member()) : ["name", "text"];
  return names.flatMap((name) => [name, m.value()]);
}

function trim(m: Maker): Arg[] {
  const sign = m.perhaps(50, "=", "~", "~");
  const limit = sign[0] === "~" ? m.perhaps(40, 5, 100).flatMap((n) => ["LIMIT", n]) : [];
  return m.random.int(0, 1) === 0
    ? ["MAXLEN", ...sign, m.random.int(0, 25), ...limit]
    : ["MINID", ...sign, id(m), ...limit];
}

/** Commands of streams and their groups. Ids are small, so that they meet. */
export const streamCommands: Readonly<Record<string, readonly MakeCommand[]>> = {
  streams: [
    (m) => ["XADD", m.key("stream"), `${m.random.int(1, 60)}-*`, ...entry(m)],
    (m) => ["XADD", m.key("stream"), `${m.random.int(1, 60)}-*`, ...entry(m)],
    (m) => ["XADD", m.key("stream"), `${m.random.int(1, 60)}-*`, ...entry(m)],
    (m) => ["XADD", m.key("stream"), id(m), ...entry(m)],
    (
      m,
    ) => [
      "XADD",
      m.key("stream"),
      "NOMKSTREAM",
      ...trim(m),
      `${m.random.int(1, 60)}-*`,
      ...entry(m),
    ],
    (
      m,
    ) => [
      "XADD",
      `auto:${m.random.int(1, 2)}`,
      ...m.perhaps(30, "MAXLEN").flatMap((w) => [w, 8]),
      "*",
      ...entry(m),
    ],
    (m) => ["XTRIM", m.key("stream"), ...trim(m)],
    (m) => ["XDEL", m.key("stream"), ...m.many(3, () => id(m))],
    (m) => [
      "XSETID",
      m.key("stream"),
      id(m),
      ...m.perhaps(30, "ENTRIESADDED").flatMap((w) => [w, m.random.int(0, 300)]),
      ...m.perhaps(30, "MAXDELETEDID").flatMap((w) => [w, id(m)]),
    ],
    // Streams that have come to their last ids go.
    (m) => ["DEL", m.key("stream")],
  ],
  groups: [
    (m) => ["XADD", m.key("stream"), `${m.random.int(1, 60)}-*`, ...entry(m)],
    (m) => [
      "XGROUP",
      "CREATE",
      m.key("stream"),
      group(m),
      m.random.pick(["0", "$", id(m)]),
      ...m.perhaps(50, "MKSTREAM"),
      ...m.perhaps(30, "ENTRIESREAD").flatMap((w) => [w, m.random.int(-1, 50)]),
    ],
    (m) => [
      "XGROUP",
      "SETID",
      m.key("stream"),
      group(m),
      m.random.pick(["0", "$", "+", "-", id(m)]),
      ...m.perhaps(40, "ENTRIESREAD").flatMap((w) => [w, m.random.int(-1, 50)]),
    ],
    (m) => ["XGROUP", "CREATECONSUMER", m.key("stream"), group(m), consumer(m)],
    (m) => ["XGROUP", "DELCONSUMER", m.key("stream"), group(m), consumer(m)],
    (m) => ["XGROUP", "DESTROY", m.key("stream"), `g${m.random.int(1, 30)}`],
    ...Array<MakeCommand>(4).fill((m) => [
      "XREADGROUP",
      "GROUP",
      group(m),
      consumer(m),
      "COUNT",
      m.random.int(1, 4),
      ...m.perhaps(20, "NOACK"),
      "STREAMS",
      m.key("stream"),
      m.random.int(1, 5) === 1 ? "0" : ">",
    ]),
    (m) => ["XACK", m.key("stream"), group(m), ...m.many(3, () => id(m))],
    (m) => [
      "XCLAIM",
      m.key("stream"),
      group(m),
      consumer(m),
      0,
      ...m.many(4, () => id(m)),
      ...m.perhaps(30, "FORCE"),
      ...m.perhaps(30, "JUSTID"),
      ...m.perhaps(30, "RETRYCOUNT").flatMap((w) => [w, m.random.int(0, 9)]),
      ...m.perhaps(30, "LASTID").flatMap((w) => [w, id(m)]),
      ...m.perhaps(30, "IDLE", "TIME").flatMap((w) => [w, m.random.int(0, 9000)]),
    ],
    (m) => [
      "XAUTOCLAIM",
      m.key("stream"),
      group(m),
      consumer(m),
      0,
      m.random.pick(["0", id(m)]),
      "COUNT",
      m.random.int(1, 5),
      ...m.perhaps(30, "JUSTID"),
    ],
  ],
};
