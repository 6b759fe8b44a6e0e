import type { Socket } from "node:net";
import { type Answer, greets } from "./scripted_master.ts";

const ID = "0123456789".repeat(4);

/** A reply in RESP2. */
export type Scripted = string | number | null | Error | readonly Scripted[];

/** The reply as it goes over the wire; an `Error` is an error reply. */
export function resp(reply: Scripted): string {
  if (reply === null) return "*-1\r\n";
  if (reply instanceof Error) return `-${reply.message}\r\n`;
  if (typeof reply === "number") return `:${reply}\r\n`;
  if (typeof reply === "string") return `$${reply.length}\r\n${reply}\r\n`;
  return `*${reply.length}\r\n${reply.map(resp).join("")}`;
}

/** Gives an empty snapshot, or goes on where it is asked to, and then says nothing more. */
export function grants(socket: Socket, words: readonly string[]): void {
  if (words[1] === "?") {
    socket.write(`+FULLRESYNC ${ID} 1\r\n$18\r\nREDIS0009\xff${"\0".repeat(8)}`, "latin1");
  } else socket.write("+CONTINUE\r\n");
}

/** A server of that role, as it stands in the answer to ROLE, that grants every synchronization. */
export function plays(role: () => readonly Scripted[]): Answer {
  const greeting = greets(grants);
  return (socket, words, client) => {
    if (words[0] === "ROLE") socket.write(resp(role()));
    else greeting(socket, words, client);
  };
}

/** What a master says to ROLE. */
export const MASTER: readonly Scripted[] = ["master", 1, []];

/** What a replica says to ROLE. */
export function replica(state = "connected", offset = 1): readonly Scripted[] {
  return ["slave", "127.0.0.1", 6379, state, offset];
}
