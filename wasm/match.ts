/**
 * The step that LZF and LZ4 share: a copy from what was just written, which it may overlap.
 */

/**
 * Copies `run` bytes from `distance` bytes before `to` to `to`. Copies are made 16 bytes at a time and may
 * pass the end by less than SLACK.
 */
// @ts-ignore: decorator
@inline
export function copyMatch(to: usize, distance: usize, run: usize): void {
  let o = to;
  const stop = o + run;
  let s = o - distance;
  if (distance >= 16) {
    do {
      v128.store(o, v128.load(s));
      o += 16;
      s += 16;
    } while (o < stop);
  } else if (distance >= 8) {
    do {
      store<u64>(o, load<u64>(s));
      o += 8;
      s += 8;
    } while (o < stop);
  } else if (distance == 1) {
    const v = i8x16.splat(load<i8>(s));
    do {
      v128.store(o, v);
      o += 16;
    } while (o < stop);
  } else {
    // Once eight bytes stand, a multiple of the period that is at least eight can be copied wide.
    const near = min(stop, o + 8);
    const first = o;
    while (o < near) store<u8>(o++, load<u8>(s++));
    if (o < stop) {
      const period = distance * ((7 + distance) / distance);
      // The first `period` bytes behind `first` must stand before they can serve as a source.
      const ready = min(stop, first + period);
      while (o < ready) store<u8>(o++, load<u8>(s++));
      s = o - period;
      while (o < stop) {
        store<u64>(o, load<u64>(s));
        o += 8;
        s += 8;
      }
    }
  }
}
