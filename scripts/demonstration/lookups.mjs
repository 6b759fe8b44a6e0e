// Lookups in a mirror, each shown as the expression that it is.

import { mirror } from "../../dist/mirror.js";
import { sendCommands } from "./client.mjs";

/** Shows what a mirror of a server with the demo's data answers. */
export async function showLookups(server, show) {
  const { port } = server;
  console.log("const route = (key) => /^(foo|bar)/.exec(key)?.[0];");
  console.log(`const copy = mirror({ port: ${port}, route });`);
  const route = (key) => /^(foo|bar)/.exec(key)?.[0];
  const copy = mirror({ port, route });
  try {
    await copy.ready;
    const foos = copy.table("foo");
    const bars = copy.table("bar");
    print(`copy.table("foo").get("foo")`, foos.get("foo"));
    print(`[...copy.table("bar").scan()]`, [...bars.scan()]);
    show([["SET", "bar:one", "starfish"]]);
    await sendCommands(server.path, [["SET", "bar:one", "starfish"]]);
    await copy.caughtUp();
    console.log("await copy.caughtUp();");
    print(`copy.table("bar").get("bar:one")`, bars.get("bar:one"));
  } finally {
    await copy.close();
  }
}

function print(expression, value) {
  console.log(`${expression}  // ${JSON.stringify(value)}`);
}
