/**
 * Where the keys stand among the arguments of a command: Redis 2.4 to 8.10 and Valkey to 9.2, every
 * command that may appear in a replication stream. Commands of modules are not known.
 *
 * Positions count from 0 after the name.
 *
 * @module
 */

/** An argument's text, by position. */
type Arg = (position: number) => string;

/** How the keys of a command are found. */
type Rule =
  | { readonly by: "none" }
  /** From `first` to `last`, every `step`-th; a negative `last` counts from the end. */
  | { readonly by: "range"; readonly first: number; readonly last: number; readonly step: number }
  /** As many as the argument at `count` says, right after it, every `step`-th, after `fixed`. */
  | {
    readonly by: "count";
    readonly count: number;
    readonly step: number;
    readonly fixed: readonly number[];
  }
  /** The key at 1 if the subcommand at 0 is one of these, else none. */
  | { readonly by: "subcommand"; readonly names: readonly string[] }
  /** The first argument, and the one after the last of these words that stands at `from` or later. */
  | { readonly by: "store"; readonly from: number; readonly words: Words }
  /** What only this command does. */
  | { readonly by: "search"; readonly search: (argc: number, arg: Arg) => readonly number[] };

/** Words in upper case with the number of arguments each takes; -1 marks a destination key. */
type Words = Readonly<Record<string, number>>;

const NONE: readonly number[] = [];
const FIRST: readonly number[] = [0];

/** What {@linkcode keyPositions} knows: each rule with the names that it holds for. */
const TABLE: readonly (readonly [rule: Rule, names: string])[] = [
  [
    { by: "none" },
    `cluster discard exec flushall flushdb function multi ping publish replconf save script select
    sflush spublish swapdb trimslots`,
  ],
  [
    range(0, 0),
    `append bitfield decr decrby delex delifeq expire expireat getdel getex getset incr incrby
    incrbyfloat increx move persist pexpire pexpireat psetex restore restore-asking set setbit setex
    setnx setrange
    hdel hexpire hexpireat hgetdel hgetex hincrby hincrbyfloat hmset hpersist hpexpire hpexpireat
    hset hsetc hsetex hsetnx
    linsert lpop lpush lpushx lrem lset ltrim rpop rpush rpushx
    sadd spop srem
    geoadd zadd zincrby zpopmax zpopmin zrem zremrangebylex zremrangebyrank zremrangebyscore
    xack xackdel xadd xautoclaim xcfgset xclaim xdel xdelex xidmprecord xnack xsetid xtrim
    ardel ardelrange arinsert armset arring arseek arset
    pfadd gcra gcrasetvalue vadd vrem vsetattr
    expiremember keydb.cron`,
  ],
  [
    range(0, 1),
    `blmove brpoplpush copy geosearchstore lmove rename renamenx rpoplpush smove zrangestore`,
  ],
  [range(0, -1), "del pfcount pfmerge sdiffstore sinterstore sunionstore unlink"],
  [range(0, -1, 2), "mset msetnx"],
  [range(0, -2), "blpop brpop bzpopmax bzpopmin"],
  [range(1, 1), "pfdebug"],
  [range(1, -1), "bitop"],
  [count(0), "lmpop zmpop"],
  [count(0, 2), "msetex"],
  [count(1), "blmpop bzmpop eval evalsha fcall"],
  [count(1, 1, [0]), "zdiffstore zinterstore zunionstore"],
  [{ by: "subcommand", names: ["SET"] }, "himport"],
  [
    {
      by: "subcommand",
      names: ["CREATE", "CREATECONSUMER", "DELCONSUMER", "DESTROY", "SETID"],
    },
    "xgroup",
  ],
  [{ by: "store", from: 1, words: { LIMIT: 2, GET: 1, BY: 1, STORE: -1 } }, "sort"],
  [{ by: "store", from: 4, words: { STORE: -1, STOREDIST: -1 } }, "georadius georadiusbymember"],
  [{ by: "search", search: migrateKeys }, "migrate"],
  [{ by: "search", search: streamsKeys }, "xreadgroup"],
];

const RULES: ReadonlyMap<string, Rule> = new Map(
  TABLE.flatMap(([rule, names]) => names.split(/\s+/).map((name) => [name, rule] as const)),
);

/**
 * The positions of a command's keys among its arguments, in the order in which they stand there
 * (0 = the first argument after the name).
 *
 * @param name the command's name in lower case
 * @param argc the number of arguments after the name
 * @param arg gives the text of one argument; asked only where the positions depend on it
 * @returns `[]` for a command without keys, `undefined` for one that is not known
 */
export function keyPositions(
  name: string,
  argc: number,
  arg: (position: number) => string,
): readonly number[] | undefined {
  const rule = RULES.get(name);
  if (rule === undefined) return undefined;
  switch (rule.by) {
    case "none":
      return NONE;
    case "range": {
      if (rule.first >= argc) return NONE;
      if (rule.last === 0) return FIRST;
      const last = rule.last < 0 ? argc + rule.last : rule.last;
      return sequence(rule.first, Math.min(last, argc - 1), rule.step);
    }
    case "count": {
      const first = rule.count + 1;
      const keys = argc < first ? 0 : Number(arg(rule.count));
      if (!(keys > 0)) return rule.fixed.filter((position) => position < argc);
      const last = Math.min(first + (keys - 1) * rule.step, argc - 1);
      return [...rule.fixed, ...sequence(first, last, rule.step)];
    }
    case "subcommand":
      return argc > 1 && rule.names.includes(arg(0).toUpperCase()) ? [1] : NONE;
    case "store":
      return storeKeys(rule, argc, arg);
    case "search":
      return rule.search(argc, arg);
  }
}

function range(first: number, last: number, step = 1): Rule {
  return { by: "range", first, last, step };
}

function count(at: number, step = 1, fixed: readonly number[] = NONE): Rule {
  return { by: "count", count: at, step, fixed };
}

function sequence(first: number, last: number, step: number): number[] {
  const positions: number[] = [];
  for (let position = first; position <= last; position += step) positions.push(position);
  return positions;
}

function storeKeys(
  { from, words }: { readonly from: number; readonly words: Words },
  argc: number,
  arg: Arg,
): readonly number[] {
  if (argc === 0) return NONE;
  let stored: number | undefined;
  for (let i = from; i < argc; i++) {
    const takes = words[arg(i).toUpperCase()] ?? 0;
    if (takes === -1 && i + 1 < argc) stored = i + 1;
    i += Math.abs(takes);
  }
  return stored === undefined ? FIRST : [0, stored];
}

/** `MIGRATE host port key|"" db timeout [options] [KEYS key...]` */
function migrateKeys(argc: number, arg: Arg): readonly number[] {
  if (argc < 3) return NONE;
  if (arg(2) !== "") return [2];
  for (let i = 5; i < argc; i++) {
    const word = arg(i).toUpperCase();
    if (word === "KEYS") return sequence(i + 1, argc - 1, 1);
    if (word === "AUTH") i += 1;
    else if (word === "AUTH2") i += 2;
  }
  return NONE;
}

/** `XREADGROUP GROUP group consumer [options] STREAMS key... id...` */
function streamsKeys(argc: number, arg: Arg): readonly number[] {
  const takes: Words = { GROUP: 2, BLOCK: 1, COUNT: 1, CLAIM: 1 };
  for (let i = 0; i < argc; i++) {
    const word = arg(i).toUpperCase();
    if (word === "STREAMS") return sequence(i + 1, i + Math.floor((argc - i - 1) / 2), 1);
    i += takes[word] ?? 0;
  }
  return NONE;
}
