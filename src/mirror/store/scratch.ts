/**
 * A place to put an item together before it is written: its parts may be views into what is written
 * to.
 *
 * @module
 */

import { MAX_PACKED_BYTES } from "./limits.ts";

/** Room for the largest packed item. */
export const scratch: Uint8Array<ArrayBuffer> = new Uint8Array(MAX_PACKED_BYTES + 64);
/** The same. */
export const scratchView: DataView = new DataView(scratch.buffer);
