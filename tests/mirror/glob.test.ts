import assert from "node:assert/strict";
import { it } from "@std/testing/bdd";
import { toBytes } from "../../src/decode/text.ts";
import { NsyncError } from "../../src/errors.ts";
import { globMatcher, globMatches } from "../../src/mirror/glob.ts";
import { describeWithServer } from "../support/describe_with_server.ts";
import { startRedis } from "../support/redis.ts";
import { Seeded } from "../support/seeded.ts";

describeWithServer("a pattern", () => {
  it("matches what the server matches", async () => {
    await using server = await startRedis();
    const random = new Seeded(11);
    const letters = ["a", "b", "c", "*", "?", "[", "]", "^", "-", "\\"];
    const word = (most: number): string =>
      Array.from({ length: random.int(0, most) }, () => random.pick(letters)).join("");
    const texts = ["a", "ab", "abc", "a*", "[a]", "\\", "-", "]", "^b", "ba-c", "aabbcc", "cab"];
    await server.command("MSET", ...texts.flatMap((text) => [text, ""]));
    const client = await server.client();
    for (let round = 0; round < 2000; round++) {
      const pattern = random.pick([word(6), `${word(2)}*${word(2)}`, `[${word(3)}]${word(2)}`]);
      const reply = await client.text("KEYS", pattern);
      const matched = texts.filter((text) => globMatches(toBytes(pattern), toBytes(text)));
      assert.ok(Array.isArray(reply));
      assert.deepEqual(matched.sort(), reply.sort(), JSON.stringify(pattern));
    }
    await client.close();
  });

  it("is one of a list, text or bytes, or an error", () => {
    const matches = globMatcher("match", ["foo*", Uint8Array.of(0xff, 0x2a)]);
    assert.equal(matches?.(toBytes("food")), true);
    assert.equal(matches?.(Uint8Array.of(0xff, 1)), true);
    assert.equal(matches?.(toBytes("bar")), false);
    assert.equal(globMatcher("match", ["a", "*"]), undefined);
    const wrong = (error: unknown): boolean => NsyncError.is(error) && error.code === "OPTION";
    assert.throws(() => globMatcher("match", []), wrong);
    assert.throws(() => globMatcher("match", Object(7)), wrong);
    assert.throws(() => globMatcher("match", [Object(7)]), wrong);
  });
});
