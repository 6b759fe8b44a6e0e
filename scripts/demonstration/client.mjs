// Sends a few commands to a server.

import { Buffer } from "node:buffer";
import { connect } from "node:net";

const END = "everything before this has been answered";

function encode(words) {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join("")}`;
}

/** Sends commands (lists of words) over one connection and waits until the server has run them. */
export function sendCommands(path, commands) {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    let replies = "";
    socket.on("error", reject);
    socket.on("close", () => {
      const error = /^-.*$/m.exec(replies);
      if (error !== null) reject(new Error(`The server answers ${error[0]}`));
      else if (!replies.includes(END)) reject(new Error("The server closed the connection."));
      else resolve();
    });
    socket.on("data", (bytes) => {
      replies += bytes;
      if (replies.includes(END)) socket.destroy();
    });
    socket.write([...commands, ["ECHO", END]].map(encode).join(""));
  });
}
