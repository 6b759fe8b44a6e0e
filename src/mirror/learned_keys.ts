/**
 * Where the keys of commands stand that only the server knows: those of its modules.
 *
 * @module
 */

import { type Client, granted } from "../link/client.ts";
import { ErrorReply, type Reply, replyItems, replyText } from "../link/replies.ts";

/** How a command's keys are found among its words, which count from 1 behind the name. */
type Places =
  | { readonly by: "range"; readonly first: number; readonly last: number; readonly step: number }
  /** The server has to be asked each time. */
  | { readonly by: "asking" }
  /** There is no such command. */
  | { readonly by: "none" };

/** Asks a server for the keys of commands, and remembers what it can. */
export class LearnedKeys {
  readonly #places = new Map<string, Places>();

  /** The keys of a command; `undefined` when the server does not know it either. */
  async keysOf(
    client: Client,
    name: string,
    args: readonly Uint8Array[],
  ): Promise<readonly Uint8Array[] | undefined> {
    const places = this.#places.get(name) ?? await this.#learn(client, name);
    if (places.by === "none") return undefined;
    if (places.by === "asking") return await ask(client, name, args);
    const { first, last, step } = places;
    if (first <= 0) return [];
    const keys: Uint8Array[] = [];
    const end = Math.min(last < 0 ? args.length + 1 + last : last, args.length);
    for (let word = first; word <= end; word += Math.max(step, 1)) keys.push(args[word - 1]);
    return keys;
  }

  async #learn(client: Client, name: string): Promise<Places> {
    const reply = granted(client.peer, "COMMAND", await client.call("COMMAND", "INFO", name));
    const places = placesOf(replyItems(replyItems(reply)?.[0]));
    this.#places.set(name, places);
    return places;
  }
}

/** `name, arity, flags, first, last, step, ...` */
function placesOf(info: readonly Reply[] | undefined): Places {
  const [, , flags, first, last, step] = info ?? [];
  if (typeof first !== "number" || typeof last !== "number" || typeof step !== "number") {
    return { by: "none" };
  }
  const movable = replyItems(flags)?.some((flag) => replyText(flag) === "movablekeys");
  return movable === true ? { by: "asking" } : { by: "range", first, last, step };
}

async function ask(
  client: Client,
  name: string,
  args: readonly Uint8Array[],
): Promise<readonly Uint8Array[] | undefined> {
  const reply = await client.call("COMMAND", "GETKEYS", name, ...args);
  // "The command has no key arguments" is an error too.
  if (reply instanceof ErrorReply) return /no key/i.test(reply.line) ? [] : undefined;
  const keys = replyItems(reply)?.filter((key) => key instanceof Uint8Array);
  return keys;
}
