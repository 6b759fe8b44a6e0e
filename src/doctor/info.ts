/**
 * What INFO and CONFIG GET say, as fields.
 *
 * @module
 */

import { infoFields as fieldsOf } from "../link/info.ts";
import { ErrorReply, type Reply, replyItems, replyText } from "../link/replies.ts";

/** Fields by name; none where the question was refused. */
export type Fields = ReadonlyMap<string, string>;

/** The fields of INFO; `undefined` where it was refused. */
export function infoFields(reply: Reply): Fields | undefined {
  const text = replyText(reply);
  if (text === undefined) return undefined;
  return fieldsOf(text);
}

/** The pairs of CONFIG GET, or of HELLO; `undefined` where it was refused. */
export function pairs(reply: Reply): Fields | undefined {
  if (reply instanceof ErrorReply) return undefined;
  const items = replyItems(reply);
  if (items === undefined) return undefined;
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < items.length; i += 2) {
    const [name, value] = [replyText(items[i]), replyText(items[i + 1])];
    if (name !== undefined && value !== undefined) fields.set(name, value);
  }
  return fields;
}

/** A field that is a number; `undefined` where there is none. */
export function numberField(fields: Fields | undefined, name: string): number | undefined {
  const text = fields?.get(name);
  const value = text === undefined || text === "" ? NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}
