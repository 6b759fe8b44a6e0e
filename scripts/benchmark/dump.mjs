// The snapshot that is read, made by a real server.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { startServer } from "./server.mjs";
import { writeCommands } from "./writer.mjs";

const CACHE = ".cache/bench";
const POOL = 1 << 20;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Xorshift, 32 bits: the same keys in every run. */
class Random {
  #state = 0x9e3779b9;

  /** An integer from `low` to `high`, both included. */
  int(low, high) {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return low + (x >>> 0) % (high - low + 1);
  }
}

/** Texts of random characters, which do not compress: pieces of one long one. */
class Texts {
  #pool = "";

  constructor(random) {
    this.random = random;
    for (let i = 0; i < POOL; i++) this.#pool += ALPHABET[random.int(0, ALPHABET.length - 1)];
  }

  /** A text of `low` to `high` characters. */
  text(low, high) {
    const at = this.random.int(0, POOL - high);
    return this.#pool.slice(at, at + this.random.int(low, high));
  }

  /** `count` texts of `low` to `high` characters. */
  texts(count, low, high) {
    return Array.from({ length: count }, () => this.text(low, high));
  }
}

const FIELDS = [
  ...["id", "name", "email", "city", "phone"],
  ...["plan", "token", "referrer", "created", "language"],
];

/** A text like JSON of 1 to 4 KB, which compresses. */
function document(texts) {
  const { random } = texts;
  const items = [];
  for (let length = random.int(1000, 4000); length > 0; length -= items.at(-1).length + 1) {
    items.push(JSON.stringify({
      id: random.int(1, 1e9),
      title: texts.text(8, 24),
      price: random.int(100, 99999) / 100,
      tags: ["new", "sale", "featured"].slice(random.int(0, 2)),
      available: random.int(0, 1) === 1,
    }));
  }
  return `[${items.join(",")}]`;
}

/** The command that makes key number `i`: 60 of 100 are strings, 15 hashes, 10 sorted sets, and so on. */
function command(i, texts) {
  const { random } = texts;
  const chance = random.int(0, 99);
  if (chance < 60) return ["SET", `string:${i}`, texts.text(20, 100)];
  if (chance < 75) {
    return ["HSET", `hash:${i}`, ...FIELDS.flatMap((field) => [field, texts.text(4, 20)])];
  }
  if (chance < 85) {
    const score = () => random.int(0, 1) === 0 ? random.int(0, 1e6) : random.int(0, 1e9) / 1000;
    const members = texts.texts(random.int(4, 16), 6, 16);
    return ["ZADD", `zset:${i}`, ...members.flatMap((member) => [String(score()), member])];
  }
  if (chance < 90) return ["RPUSH", `list:${i}`, ...texts.texts(random.int(4, 24), 4, 20)];
  if (chance < 95) return ["SADD", `set:${i}`, ...texts.texts(random.int(4, 16), 4, 16)];
  return ["SET", `document:${i}`, document(texts)];
}

function* commands(keys) {
  const texts = new Texts(new Random());
  for (let i = 0; i < keys; i++) yield command(i, texts);
}

/** The path of a snapshot with so many keys; it is made once. */
export async function makeDump(keys) {
  const source = readFileSync(new URL(import.meta.url));
  const hash = createHash("sha256").update(source).digest("hex").slice(0, 8);
  const path = join(CACHE, `${keys}-${hash}.rdb`);
  if (existsSync(path)) return path;
  console.error(`Making ${path}`);
  mkdirSync(CACHE, { recursive: true });
  const server = await startServer();
  try {
    await writeCommands({ path: server.path }, commands(keys));
    await writeCommands({ path: server.path }, [["SAVE"]]);
    copyFileSync(join(server.directory, "dump.rdb"), `${path}.${process.pid}`);
  } finally {
    await server.stop();
  }
  renameSync(`${path}.${process.pid}`, path);
  return path;
}
