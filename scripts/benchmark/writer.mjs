// Writes very many commands to a server, as fast as it takes them.

import { once } from "node:events";
import { connect } from "node:net";

const CHUNK = 64 << 10;

/** A command as RESP; the words are ASCII. */
export function encode(words) {
  let text = `*${words.length}\r\n`;
  for (const word of words) text += `$${word.length}\r\n${word}\r\n`;
  return text;
}

/**
 * Sends every command (an iterable of lists of ASCII words), reads the replies beside, and resolves
 * when the last one is there. Throws the first error reply.
 */
export async function writeCommands(address, commands) {
  const socket = connect(address);
  await once(socket, "connect");
  let sent = 0;
  let answered = 0;
  let failure;
  let wake = () => {};
  socket.on("error", (error) => failure ??= error);
  socket.on("close", () => {
    failure ??= new Error("The server closed the connection.");
    wake();
  });
  socket.on("drain", () => wake());
  socket.on("data", (bytes) => {
    const error = /(?:^|\n)(-.*)\r/.exec(bytes.latin1Slice());
    if (error !== null) failure ??= new Error(`The server answers ${error[1]}`);
    // Every reply is one line: OK or a number.
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) answered++;
    wake();
  });
  const woken = () => new Promise((resolve) => wake = resolve);
  try {
    let chunk = "";
    for (const words of commands) {
      chunk += encode(words);
      sent++;
      if (chunk.length < CHUNK) continue;
      const room = socket.write(chunk, "latin1");
      chunk = "";
      if (!room) await woken();
      if (failure !== undefined) throw failure;
    }
    socket.write(chunk, "latin1");
    while (answered < sent) {
      await woken();
      if (failure !== undefined) throw failure;
    }
  } finally {
    socket.removeAllListeners("close");
    socket.destroy();
  }
}
