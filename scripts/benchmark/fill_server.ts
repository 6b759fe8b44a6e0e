// Fills a server with keys of all kinds, as the tests do:
//   fill_server.mjs SOCKET KEYS

import process from "node:process";
import { fill } from "../../tests/support/fill.ts";
import { RedisClient } from "../../tests/support/resp_client.ts";

const [path, keys] = process.argv.slice(2);
await using client = await RedisClient.connect({ path });
await fill(client, { keys: Number(keys) });
