const LOW = new Uint32Array(256);
const HIGH = new Uint32Array(256);
for (let i = 0; i < 256; i++) {
  let low = i;
  let high = 0;
  for (let bit = 0; bit < 8; bit++) {
    const carry = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (carry !== 0) {
      low ^= 0xac4bc9b5;
      high ^= 0x95ac9329;
    }
  }
  LOW[i] = low;
  HIGH[i] = high;
}

/** CRC-64 (Jones) of the bytes, in 8 bytes, low one first; by table, in halves of 32 bits. */
export function crc64(bytes: Uint8Array): Uint8Array {
  let low = 0;
  let high = 0;
  for (let i = 0; i < bytes.length; i++) {
    const at = (low ^ bytes[i]) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ LOW[at];
    high = (high >>> 8) ^ HIGH[at];
  }
  const sum = new Uint8Array(8);
  const view = new DataView(sum.buffer);
  view.setUint32(0, low, true);
  view.setUint32(4, high, true);
  return sum;
}
