import type { Dial } from "../../src/transport/transport.ts";

/** One transport that this runtime can use. */
export interface NamedDial {
  readonly name: "deno" | "bun" | "node";
  readonly load: () => Promise<Dial>;
}

/** The runtime's own transport, and the one of Node that each of them has. */
export const dials: readonly NamedDial[] = [
  "Deno" in globalThis
    ? { name: "deno", load: async () => (await import("../../src/transport/deno.ts")).dial }
    : { name: "bun", load: async () => (await import("../../src/transport/bun.ts")).dial },
  { name: "node", load: async () => (await import("../../src/transport/node.ts")).dial },
];
