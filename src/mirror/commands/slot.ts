/**
 * The cluster slot of a key.
 *
 * @module
 */

import type { Slots } from "./context.ts";

const TABLE = makeTable();

/** CRC-16/XMODEM. */
function makeTable(): Uint16Array {
  const table = new Uint16Array(256);
  for (let i = 0; i < 256; i++) {
    let crc = i << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    table[i] = crc;
  }
  return table;
}

/** Whether a slot is in one of these ranges. */
export function isInSlots(slot: number, slots: readonly Slots[]): boolean {
  return slots.some(([first, last]) => slot >= first && slot <= last);
}

/** Slot 0..16383 of a key: of what stands between its first braces, if that is anything. */
export function slotOf(key: Uint8Array): number {
  let start = 0;
  let end = key.length;
  const open = key.indexOf(0x7b);
  if (open >= 0) {
    const close = key.indexOf(0x7d, open + 1);
    if (close > open + 1) [start, end] = [open + 1, close];
  }
  let crc = 0;
  for (let i = start; i < end; i++) crc = (crc << 8 ^ TABLE[crc >> 8 ^ key[i]]) & 0xffff;
  return crc & 0x3fff;
}
