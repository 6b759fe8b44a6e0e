// Bundled by smoke.mjs, for a Node that knows no TypeScript.

import { assertDecodes } from "../support/assert_decodes.ts";
import { fixtures, loadRdb } from "../support/fixtures.ts";
import { Seeded } from "../support/seeded.ts";
import { pieces } from "../support/pieces.ts";

/** What the package exports as `readRdb`. */
type ReadRdb = (
  source: Uint8Array | AsyncIterable<Uint8Array>,
) => AsyncIterable<{ readonly type: string }>;

/** Snapshots up to this size are also read byte by byte. */
const SMALL = 20_000;

/** Compares all snapshots with what their servers said; answers how many there are. */
export async function readSnapshots(readRdb: ReadRdb): Promise<number> {
  const readable = fixtures().filter(({ types }) => !types.includes(6));
  for (const fixture of readable) {
    const bytes = loadRdb(fixture);
    const splits = new Seeded(bytes.length).splits(bytes.length, 100);
    await assertDecodes(fixture, readRdb(bytes));
    await assertDecodes(fixture, readRdb(pieces(bytes, splits)));
    if (bytes.length > SMALL) continue;
    await assertDecodes(fixture, readRdb(pieces(bytes, Array(bytes.length).fill(1))));
  }
  return readable.length;
}
