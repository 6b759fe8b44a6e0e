// Writes numbered commands at an even pace and prints how many, from a process of its own: a test
// that measures its memory must not be the writer. Arguments: port, bytes, milliseconds.
import process from "node:process";
import { BatchSender } from "../support/batch_sender.ts";
import { RedisClient } from "../support/resp_client.ts";
import { Seeded } from "../support/seeded.ts";

const [port, bytes, milliseconds] = process.argv.slice(2).map(Number);
const client = await RedisClient.connect({ port });
const sender = new BatchSender(client);
const text = new Seeded(1).letters(16_000);
const began = performance.now();
let written = 0;
let count = 0;
while (written < bytes) {
  sender.encoder.add("SET", `big:${count % 64}`, `${text}#${count}`);
  count++;
  written += text.length;
  await sender.pass();
  const early = began + milliseconds * written / bytes - performance.now();
  if (early > 20) await new Promise((resolve) => setTimeout(resolve, early));
}
await sender.finish();
await client.close();
console.log(`wrote ${count}`);
