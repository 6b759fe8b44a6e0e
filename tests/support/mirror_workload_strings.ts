import type { Arg } from "./resp_encoder.ts";
import type { MakeCommand, Maker } from "./mirror_workload.ts";

function expiry(m: Maker): Arg[] {
  const { random } = m;
  const ttl = m.ttl();
  switch (random.int(1, 6)) {
    case 1:
      return ["EX", Math.ceil(ttl / 1000)];
    case 2:
      return ["PX", ttl];
    case 3:
      return ["EXAT", 4102444800 + random.int(0, 1000)];
    case 4:
      return ["PXAT", 4102444800000 + random.int(0, 1000)];
    case 5:
      return ["KEEPTTL"];
    default:
      return [];
  }
}

function bitType({ random }: Maker): string {
  return random.int(0, 1) === 0 ? `i${random.int(1, 64)}` : `u${random.int(1, 63)}`;
}

function bitOffset({ random }: Maker): string {
  return random.int(0, 1) === 0 ? `#${random.int(0, 9)}` : `${random.int(0, 120)}`;
}

function bigInteger({ random }: Maker): string {
  const n = BigInt(random.bits()) * BigInt(random.bits()) * (random.int(0, 1) === 0 ? 1n : -1n);
  return String(BigInt.asIntN(64, n));
}

/** Commands of strings, bits and HyperLogLogs. */
export const stringCommands: Readonly<Record<string, readonly MakeCommand[]>> = {
  strings: [
    (m) => ["SET", m.key("string"), m.value(), ...expiry(m)],
    (
      m,
    ) => ["set", m.key("string"), m.value(), ...m.perhaps(50, "NX", "XX"), ...m.perhaps(30, "GET")],
    (m) => ["SETNX", m.key("string"), m.value()],
    (m) => ["SETEX", m.key("string"), Math.ceil(m.ttl() / 1000), m.value()],
    (m) => ["PSETEX", m.key("string"), m.ttl(), m.value()],
    (m) => ["GETSET", m.key("string"), m.value()],
    (m) => ["GETDEL", m.key("string")],
    (m) => ["GETEX", m.key("string"), ...expiry(m).filter((arg) => arg !== "KEEPTTL")],
    (m) => ["GETEX", m.key("string"), "PERSIST"],
    (m) => ["APPEND", m.key("string"), m.value()],
    (m) => ["SETRANGE", m.key("string"), m.random.int(0, 90), m.value()],
    (m) => ["MSET", ...m.many(4, () => [m.key("string"), m.value()]).flat()],
    (m) => ["MSETNX", ...m.many(2, () => [m.key("string"), m.value()]).flat()],
  ],
  numbers: [
    (m) => ["SET", m.key("number"), m.random.int(-5, 5), ...expiry(m)],
    (m) => ["SET", m.key("number"), bigInteger(m)],
    (m) => ["INCR", m.key("number")],
    (m) => ["DECR", m.key("number")],
    (m) => ["INCRBY", m.key("number"), m.random.int(-1000, 1000)],
    (m) => ["DECRBY", m.key("number"), bigInteger(m)],
    (m) => ["INCRBY", m.key("number"), bigInteger(m)],
    (m) => ["INCRBYFLOAT", m.key("number"), m.random.int(-50, 50) / 8],
  ],
  bits: [
    (m) => ["SETBIT", m.key("bits"), m.random.int(0, 300), m.random.int(0, 1)],
    (m) => [
      "BITFIELD",
      m.key("bits"),
      ...m.many(4, (): Arg[] => {
        const at = [bitType(m), bitOffset(m)];
        const overflow = m.perhaps(40, "WRAP", "SAT", "FAIL").flatMap((mode) => ["OVERFLOW", mode]);
        switch (m.random.int(1, 4)) {
          case 1:
            return ["GET", ...at];
          case 2:
            return [...overflow, "SET", ...at, m.random.int(-300, 300)];
          case 3:
            return [...overflow, "SET", ...at, bigInteger(m)];
          default:
            return [...overflow, "INCRBY", ...at, m.random.int(-300, 300)];
        }
      }).flat(),
    ],
    (
      m,
    ) => [
      "BITOP",
      m.random.pick(["AND", "OR", "XOR"]),
      m.key("bits"),
      ...m.many(4, () => m.key("bits")),
    ],
    (m) => ["BITOP", "NOT", m.key("bits"), m.key("bits")],
  ],
  hyperloglogs: [
    (m) => ["PFADD", m.key("hll"), ...m.many(5, () => m.value())],
    (m) => ["PFADD", m.key("hll"), ...m.many(300, () => m.random.letters(m.random.int(1, 20)))],
    (m) => ["PFADD", m.key("hll")],
    (m) => ["PFMERGE", m.key("hll"), ...m.many(3, () => m.key("hll"))],
    (m) => ["PFCOUNT", m.key("hll")],
  ],
};
