import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fixtures, loadRdb, recordingFixtures } from "../../tests/support/fixtures.ts";

/** Snapshots above this size tell nothing that smaller ones do not. */
const LARGEST = 5000;
const STREAM_PIECE = 3000;

let smallSnapshots: readonly Uint8Array[] | undefined;
let streamPieces: readonly Uint8Array[] | undefined;

/** Small snapshots of real servers. */
export function snapshots(): readonly Uint8Array[] {
  smallSnapshots ??= fixtures().map(loadRdb).filter(({ length }) => length < LARGEST);
  return smallSnapshots;
}

/** What real masters sent behind their snapshots, the first bytes of each. */
export function streams(): readonly Uint8Array[] {
  streamPieces ??= recordingFixtures().flatMap(({ path }) => {
    const { connections } = JSON.parse(readFileSync(path, "utf8"));
    return connections.flatMap((
      { file, streamOffset }: { readonly file: string; readonly streamOffset: number | null },
    ) => {
      if (streamOffset === null) return [];
      const bytes = readFileSync(join(dirname(path), file));
      return [new Uint8Array(bytes.subarray(streamOffset, streamOffset + STREAM_PIECE))];
    });
  });
  return streamPieces;
}
