/**
 * The snapshot on the wire: `$<length>` and that many bytes, or `$EOF:<mark>`, bytes, and the mark
 * again (replication protocol, 4).
 *
 * @module
 */

import type { TapeBatch } from "../decode/batch.ts";
import type { Decoder } from "../decode/decoder.ts";
import { joined } from "../decode/joined.ts";
import { latin1 } from "../decode/text.ts";
import { NsyncError } from "../errors.ts";
import type { Settings } from "../options.ts";
import { printable, refusal } from "./refusal.ts";
import type { Wire } from "./wire.ts";

const MARK = 40;

/** How the snapshot's end is told. */
export type Framing =
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "mark"; readonly mark: string };

/**
 * Reads the line before the snapshot, unless it has been read; newlines come while the master prepares
 * it.
 */
export async function framing(wire: Wire, settings: Settings, header?: string): Promise<Framing> {
  const line = header ?? await wire.lineAfterNewlines(settings.replTimeout, "a snapshot");
  const length = /^\$(\d+)$/.exec(line);
  if (length !== null) return { kind: "length", length: Number(length[1]) };
  const mark = /^\$EOF:(.{40})$/.exec(line);
  if (mark !== null) return { kind: "mark", mark: mark[1] };
  if (line.startsWith("-")) throw refusal(wire.peer, line, "to send a snapshot");
  throw new NsyncError(
    "PROTOCOL",
    `${wire.peer} sends ${JSON.stringify(printable(line.slice(0, 40)))} instead of a snapshot.`,
  );
}

/** Reads the snapshot and its end; what stands behind is left on the wire. */
export async function receiveSnapshot(
  wire: Wire,
  decoder: Decoder,
  how: Framing,
  settings: Settings,
  deliver: (batch: TapeBatch) => Promise<void>,
): Promise<void> {
  // The batches are all that is wanted.
  for await (const _ of snapshotPieces(wire, decoder, how, settings, deliver));
}

/**
 * The same, and gives the snapshot's bytes as they pass, each piece when it has been decoded, the last
 * one when the end is right. A piece is a view that is valid until the next one is asked for.
 */
export async function* snapshotPieces(
  wire: Wire,
  decoder: Decoder,
  how: Framing,
  settings: Settings,
  deliver: (batch: TapeBatch) => Promise<void>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = how.kind === "length" ? how.length : Infinity;
  while (!decoder.done) {
    if (left === 0) throw decoder.truncated();
    const piece = await wire.read(settings.replTimeout);
    const ours = piece.length > left ? piece.subarray(0, left) : piece;
    left -= ours.length;
    let fed = 0;
    while (fed < ours.length && !decoder.done) {
      fed += decoder.feed(fed === 0 ? ours : ours.subarray(fed));
      for (let batch = decoder.next(); batch !== undefined; batch = decoder.next()) {
        // Delivery may wait for the consumer: the piece stays valid, as nothing is read meanwhile.
        await deliver(batch);
      }
    }
    if (!decoder.done) {
      yield ours;
      continue;
    }
    const behind = [decoder.rest(), piece.subarray(fed)];
    const stray = behind[0].length + (ours.length - fed);
    if (how.kind === "length" && stray + left > 0) throw strayBytes(stray + left);
    const last = ours.slice(0, ours.length - stray);
    wire.unread(joined(behind));
    if (how.kind === "mark") await expectMark(wire, how.mark, settings);
    yield last;
  }
}

async function expectMark(wire: Wire, mark: string, settings: Settings): Promise<void> {
  let seen = "";
  while (seen.length < MARK) {
    const piece = await wire.read(settings.replTimeout);
    const ours = piece.subarray(0, MARK - seen.length);
    seen += latin1(ours);
    wire.unread(piece.slice(ours.length));
  }
  if (seen !== mark) {
    throw new NsyncError("PROTOCOL", "The snapshot does not end with the mark that began it.", {
      retriable: true,
    });
  }
}

function strayBytes(n: number): NsyncError {
  return new NsyncError(
    "PROTOCOL",
    `The snapshot is ${n} bytes shorter than the length that the server told.`,
    { retriable: true },
  );
}
