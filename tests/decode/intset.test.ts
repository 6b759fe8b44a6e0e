import { describe, it } from "@std/testing/bdd";
import { assertBroken, assertElements } from "./container_assert.ts";
import { intset } from "./containers.ts";
import { bytes, key, le, str } from "./rdb_bytes.ts";

const SET_INTSET = 11;

describe("an intset", () => {
  const set = (blob: Uint8Array): Uint8Array => key(SET_INTSET, "key", str(blob));

  it("has integers of three widths", async () => {
    for (const width of [2, 4, 8]) {
      const most = 2n ** BigInt(8 * width - 1) - 1n;
      const integers = [-most - 1n, -most, -128n, -1n, 0n, 1n, 255n, most - 1n, most];
      await assertElements(set(intset(width, integers)), integers.map(String));
    }
    const many = Array.from({ length: 60_000 }, (_, i) => BigInt(i * 3 - 32768));
    await assertElements(set(intset(4, many)), many.map(String));
  });

  it("is refused when it is broken", async () => {
    const good = intset(2, [1n, 2n, 3n]);
    const broken: Record<string, Uint8Array> = {
      "half a header": good.subarray(0, 7),
      "a width of 0": bytes(le(0, 4), good.subarray(4)),
      "a width of 3": bytes(le(3, 4), good.subarray(4)),
      "a width of 16": bytes(le(16, 4), good.subarray(4)),
      "another width": bytes(le(4, 4), good.subarray(4)),
      "a count too small": bytes(le(2, 4), le(2, 4), good.subarray(8)),
      "a count too large": bytes(le(2, 4), le(4, 4), good.subarray(8)),
      "an enormous count": bytes(le(8, 4), le(2 ** 32 - 1, 4), good.subarray(8)),
      "no integers": intset(2, []),
      "an integer twice": intset(2, [1n, 1n]),
      "integers out of order": intset(2, [1n, 3n, 2n]),
      "integers in unsigned order": intset(8, [0n, -1n]),
    };
    for (const [what, blob] of Object.entries(broken)) {
      await assertBroken(set(blob), "intset", what);
    }
  });
});
