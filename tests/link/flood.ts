// A master in a process of its own that sends commands as fast as they are read, and prints its port
// and then, when its follower has gone, the ACKs it got: how many milliseconds after the first
// command, and how many bytes they were behind what had been sent.
import { createServer, type Socket } from "node:net";
import process from "node:process";
import { latin1 } from "../support/bytes.ts";
import { parseCommands } from "../support/command_stream.ts";

const EMPTY_RDB = "REDIS0009\xff" + "\0".repeat(8);
const COMMAND = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
const piece = new TextEncoder().encode(COMMAND.repeat(10_000));

const server = createServer((socket) => {
  let unread: Uint8Array = new Uint8Array();
  let began = 0;
  let sent = 0;
  const acks: [number, number][] = [];
  socket.on("error", () => {});
  socket.on("close", () => {
    process.stdout.write(`${JSON.stringify(acks)}\n`);
    server.close();
  });
  socket.on("data", (bytes: Uint8Array) => {
    const { commands, rest } = parseCommands(new Uint8Array([...unread, ...bytes]));
    unread = new Uint8Array([...unread, ...bytes]).slice(rest);
    for (const { words } of commands) {
      const [name, option, value] = words.map(latin1);
      if (name === "PING") socket.write("+PONG\r\n");
      else if (name === "PSYNC") {
        socket.write(`+FULLRESYNC ${"b".repeat(40)} 0\r\n$${EMPTY_RDB.length}\r\n`);
        socket.write(EMPTY_RDB, "latin1");
        began = performance.now();
        flood(socket);
      } else if (option !== "ACK") socket.write("+OK\r\n");
      else if (began > 0) acks.push([performance.now() - began, sent - Number(value)]);
    }
  });

  /** One piece at a time: what the system has not taken does not count as sent. */
  function flood(socket: Socket): void {
    if (socket.destroyed) return;
    socket.write(piece, (error) => {
      if (error !== undefined && error !== null) return;
      sent += piece.length;
      flood(socket);
    });
  }
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address !== null) console.log(`port ${address.port}`);
});
