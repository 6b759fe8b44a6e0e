// Uses a transport as its arguments say and then does nothing more: it must end by itself.
// Arguments: the transport's name, what to do, the address as JSON.
import process from "node:process";
import type { Address, ConnectOptions } from "../../src/transport/transport.ts";
import { connectWith, type Dial } from "../../src/transport/transport.ts";

const LONG = 600_000; // a timer left behind keeps the process for as long

const loaders: Readonly<Record<string, () => Promise<{ readonly dial: Dial }>>> = {
  deno: () => import("../../src/transport/deno.ts"),
  bun: () => import("../../src/transport/bun.ts"),
  node: () => import("../../src/transport/node.ts"),
};

const [name, scenario, json] = process.argv.slice(2);
const { dial } = await loaders[name]();
const address: Address = JSON.parse(json);

if (scenario === "close") {
  const signal = new AbortController().signal;
  const connection = await connectWith(dial, address, { timeout: LONG, signal });
  const reading = connection.read();
  setTimeout(() => connection.close(), 20);
  if (await reading !== undefined) throw new Error("read something");
} else if (scenario === "refused") {
  await mustReject({ timeout: LONG });
} else if (scenario === "timeout") {
  await mustReject({ timeout: 50 });
} else if (scenario === "abort") {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  await mustReject({ timeout: LONG, signal: abort.signal });
} else {
  throw new Error(`unknown scenario ${scenario}`);
}
console.log("done");

async function mustReject(options: ConnectOptions): Promise<void> {
  const outcome = await connectWith(dial, address, options).then(() => "connected", () => "failed");
  if (outcome !== "failed") throw new Error(outcome);
}
