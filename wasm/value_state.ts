/** Where the reading of a key stands. */

/** What was said of the key before its type byte, and its name. */
export class Key {
  static db: u32 = 0;
  static flags: u32 = 0;
  static expiry: i64 = 0;
  static idle: u32 = 0;
  static freq: u32 = 0;
  static ref: u32 = 0;
  static len: u32 = 0;
  /** Bytes of tape that its metadata takes, right before its record. */
  static meta: usize = 0;
}

export function forgetAttributes(): void {
  Key.flags = 0;
  Key.expiry = 0;
  Key.idle = 0;
  Key.freq = 0;
  Key.meta = 0;
}

export class Value {
  /** Between the key's name and the value's last byte. */
  static active: bool = false;
  /** Its record stands on the tape, unfinished, at `at`. */
  static open: bool = false;
  static at: usize = 0;
  static type: u32 = 0;
  static layout: u32 = 0;
  static kind: u32 = 0;
  static variant: u32 = 0;
  /** Number of this part, and elements in it. */
  static part: u32 = 0;
  static count: u32 = 0;
  /** Layout's own progress, and what is left of its innermost run. */
  static step: u32 = 0;
  static left: u64 = 0;
  /** A collection without elements: servers pass it over, and so do we. */
  static empty: bool = false;
}
