import type { Library } from "../../src/mirror/commands/context.ts";
import { newIdmp } from "../../src/mirror/commands/idmp.ts";
import type {
  GroupState,
  Keyspace,
  StreamId,
  StreamState,
  Value,
} from "../../src/mirror/values.ts";
import { latin1 } from "./bytes.ts";
import { format17g } from "./format17g.ts";
import { int, order, stringTruth, type Truth, type TruthKey } from "./truth.ts";

const FIRST: StreamId = { ms: 0n, seq: 0n };
const LAST: StreamId = { ms: 2n ** 64n - 1n, seq: 2n ** 64n - 1n };

/** The content of keyspaces, by database, in the corpus' schema. */
export function keyspacesTruth(
  spaces: ReadonlyMap<number, Keyspace>,
  functions: ReadonlyMap<string, Library>,
  includes: (db: number, key: Uint8Array) => boolean = () => true,
): Truth {
  const databases: Record<string, { keys: TruthKey[] }> = {};
  for (const [db, space] of spaces) {
    const keys = Array.from(space.keys(), (key) => key.slice())
      .filter((key) => includes(db, key)).map((key) => keyTruth(space, key));
    if (keys.length > 0) databases[db] = { keys: keys.sort((a, b) => order(a.key, b.key)) };
  }
  return {
    databases,
    functions: Array.from(functions, ([name, { engine, code }]) => {
      return { name, engine, code: latin1(code) };
    }).sort((a, b) => order(a.name, b.name)),
  };
}

function keyTruth(space: Keyspace, key: Uint8Array): TruthKey {
  const value = space.get(key);
  if (value === undefined) throw new Error(`a listed key is not there: ${latin1(key)}`);
  return {
    key: latin1(key),
    type: value.kind,
    expireAtMs: int(space.expireAt(key)),
    value: valueTruth(value),
  };
}

function valueTruth(value: Value): unknown {
  switch (value.kind) {
    case "string":
      return stringTruth(value.bytes);
    case "list":
      return Array.from(value.range(), latin1);
    case "set":
      return Array.from(value.members(), latin1).sort(order);
    case "hash":
      return Array.from(value.entries(), ([field, one, expireAt]): [string, string, unknown] => {
        return [latin1(field), latin1(one), int(expireAt)];
      }).sort((a, b) => order(a[0], b[0]));
    case "zset":
      return Array.from(value.range(), ([member, score]) => [latin1(member), format17g(score)]);
    case "stream":
      return streamTruth(value);
    case "array":
      return {
        length: int(value.length),
        items: Array.from(value.range(), ([index, one]) => [int(index), latin1(one)]),
        next: int(value.next),
      };
    default:
      return null;
  }
}

function streamTruth(stream: StreamState): unknown {
  const idmp = stream.idmp ?? newIdmp();
  return {
    entries: Array.from(stream.range(FIRST, LAST), ([id, fields]) => {
      const pairs: string[][] = [];
      for (let i = 0; i < fields.length; i += 2) {
        pairs.push([latin1(fields[i]), latin1(fields[i + 1])]);
      }
      return [idText(id), pairs];
    }),
    lastId: idText(stream.lastId),
    length: stream.length,
    maxDeletedId: idText(stream.maxDeletedId),
    entriesAdded: int(stream.entriesAdded),
    groups: Array.from(stream.groups(), groupTruth).sort((a, b) => order(a.name, b.name)),
    idmp: {
      "idmp-duration": idmp.duration,
      "idmp-maxsize": idmp.maxEntries,
      "pids-tracked": idmp.producers.length,
      "iids-tracked": idmp.producers.reduce((sum, { ids }) => sum + ids.length, 0),
      "iids-added": int(idmp.added),
      "iids-duplicates": int(idmp.duplicates),
    },
  };
}

function groupTruth(group: GroupState): { name: string } {
  const pending = Array.from(group.pending(), (entry) => ({
    id: idText(entry.id),
    consumer: entry.consumer === undefined ? "" : latin1(entry.consumer),
    deliveryTimeMs: entry.deliveryTime,
    deliveryCount: int(entry.deliveryCount),
  }));
  const consumers = Array.from(group.consumers(), ({ name, seenTime, activeTime }) => ({
    name: latin1(name),
    seenTimeMs: seenTime,
    activeTimeMs: int(activeTime),
    pending: pending.filter(({ consumer }) => consumer === latin1(name)).map(({ id }) => id),
  }));
  const truth = {
    name: latin1(group.name),
    lastDeliveredId: idText(group.lastId),
    entriesRead: int(group.entriesRead),
    pending,
    consumers: consumers.sort((a, b) => order(a.name, b.name)),
    "nacked-count": pending.filter(({ consumer }) => consumer === "").length,
  };
  return truth;
}

function idText({ ms, seq }: StreamId): string {
  return `${ms}-${seq}`;
}
