/**
 * The servers' patterns, over bytes: `*` any run, `?` any byte, `[abc]`, `[a-z]`, `[^a]`, and a backslash
 * that takes what follows literally.
 */

/** Behind the unit of the pattern that was compared last. */
let unitEnd: usize = 0;

/** Does the whole text match the whole pattern? Time is at most the product of their lengths. */
export function globMatches(pattern: usize, patternLength: usize, text: usize, length: usize): bool {
  const patternEnd = pattern + patternLength;
  const end = text + length;
  let p = pattern;
  let t = text;
  // Behind the last star, and where what follows it was tried last.
  let star: usize = 0;
  let tried: usize = 0;
  while (t < end) {
    if (p < patternEnd && load<u8>(p) == 0x2a) {
      star = ++p;
      tried = t;
    } else if (p < patternEnd && unitMatches(p, patternEnd, load<u8>(t))) {
      p = unitEnd;
      t++;
    } else if (star != 0) {
      // The star takes one byte more.
      p = star;
      t = ++tried;
    } else {
      return false;
    }
  }
  while (p < patternEnd && load<u8>(p) == 0x2a) p++;
  return p == patternEnd;
}

/** Compares one unit of the pattern, other than a star, with a byte. */
function unitMatches(p: usize, patternEnd: usize, byte: u32): bool {
  const c = <u32>load<u8>(p);
  if (c == 0x5b) return classMatches(p + 1, patternEnd, byte);
  unitEnd = p + 1;
  if (c == 0x3f) return true;
  if (c == 0x5c && unitEnd < patternEnd) {
    unitEnd++;
    return load<u8>(p, 1) == byte;
  }
  return c == byte;
}

/** A class up to its closing bracket, or to the pattern's end where there is none. */
function classMatches(p: usize, patternEnd: usize, byte: u32): bool {
  const negated = p < patternEnd && load<u8>(p) == 0x5e;
  if (negated) p++;
  let found = false;
  while (p < patternEnd && load<u8>(p) != 0x5d) {
    let low = <u32>load<u8>(p);
    if (low == 0x5c && p + 1 < patternEnd) {
      found = found || load<u8>(p, 1) == byte;
      p += 2;
    } else if (p + 2 < patternEnd && load<u8>(p, 1) == 0x2d) {
      let high = <u32>load<u8>(p, 2);
      if (low > high) {
        const swapped = low;
        low = high;
        high = swapped;
      }
      found = found || (byte >= low && byte <= high);
      p += 3;
    } else {
      found = found || low == byte;
      p++;
    }
  }
  unitEnd = p < patternEnd ? p + 1 : p;
  return found != negated;
}
