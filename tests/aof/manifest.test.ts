import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { filesOf } from "../../src/aof/manifest.ts";
import { bytes } from "../decode/rdb_bytes.ts";
import { AofDirectory, brief, commands, outcomeOf } from "./aof_files.ts";

const files = (text: string) => filesOf(bytes(text), "m");

describe("a manifest", () => {
  it("names base and increments, in this order", () => {
    const manifest = "# a comment\n" +
      "file a.2.incr.aof seq 2 type i\n" +
      "file a.1.base.rdb seq 1 type b\r\n" +
      "file a.0.base.rdb seq 1 type h\n" +
      "  file a.10.incr.aof   seq 10\ttype i startoffset 5 endoffset 7  \n" +
      "TYPE i FILE a.11.incr.aof SEQ 11\n" +
      "# no line's end";
    assert.deepEqual(files(manifest), [
      ...["a.1.base.rdb", "a.2.incr.aof", "a.10.incr.aof", "a.11.incr.aof"],
    ]);
    assert.deepEqual(files("#\n"), []);
    assert.deepEqual(files("file a seq 1 type h\n"), []);
  });

  it("has names in quotes", () => {
    const name = (quoted: string) => files(`file ${quoted} seq 1 type b\n`)[0];
    assert.equal(name('"a b.aof"'), "a b.aof");
    assert.equal(name("'a \\'b'"), "a 'b");
    assert.equal(
      name('"\\"\\n\\r\\t\\b\\a\\q\\x41\\xe4\\xB8\\xad\\xff"'),
      '"\n\r\t\b\x07qA中\udcff',
    );
    assert.equal(name("\xe4\xb8\xad"), "中");
  });

  it("is refused with the offset of the line that is wrong", () => {
    const good = "file a seq 1 type b\n";
    const wrong: readonly (readonly [line: string, why: RegExp])[] = [
      ["\n", /does not say/],
      ["file x seq 2\n", /does not say/],
      ["file x seq 2 type\n", /does not say/],
      ["file x seq 2 type i x\n", /does not say/],
      ["name x seq 2 type i\n", /does not say/],
      ["file x seq 0 type i\n", /does not say/],
      ["file x seq -1 type i\n", /does not say/],
      ["file x seq two type i\n", /does not say/],
      ['file "x seq 2 type i\n', /does not say/],
      ['file "x"y seq 2 type i\n', /does not say/],
      ["file 'x seq 2 type i\n", /does not say/],
      ["file x seq 2 type x\n", /unknown type/],
      ["file x seq 2 type b\n", /second base/],
      ["file x seq 2 type i", /has no end/],
      [`file ${"x".repeat(1010)} seq 2 type i\n`, /longer than 1024/],
      ["file ../x seq 2 type i\n", /plain file name/],
      ["file /etc/passwd seq 2 type i\n", /plain file name/],
      ["file x\\\\y seq 2 type i\n", /plain file name/],
      ['file "x\\x00" seq 2 type i\n', /plain file name/],
      ['file "" seq 2 type h\n', /plain file name/],
      ["file . seq 2 type i\n", /plain file name/],
      ["file .. seq 2 type h\n", /plain file name/],
      ["\0\0\0\0", /has no end/],
    ];
    for (const [line, message] of wrong) {
      assert.throws(() => files(good + line), {
        ...{ name: "NsyncError", code: "AOF_CORRUPT", message },
        ...{ offset: good.length, file: "m", reading: "manifest" },
      }, line);
    }
    const increments = "file a seq 3 type i\nfile b seq 3 type i\n";
    assert.throws(() => files(increments), { offset: 20, message: /not above/ });
    assert.throws(() => files(""), { code: "AOF_CORRUPT", offset: 0 });
  });

  it("may be random bytes", () => {
    let state = 1;
    const random = (n: number) => (state = (state * 48271) % 2147483647) % n;
    const words = [
      "file",
      "seq",
      "type",
      " ",
      "\n",
      '"',
      "'",
      "\\",
      "x",
      "1",
      "b",
      "i",
      "#",
      "\xff",
    ];
    for (let i = 0; i < 5000; i++) {
      let text = "";
      for (let n = random(30); n >= 0; n--) text += words[random(words.length)];
      try {
        files(text);
      } catch (error) {
        assert.ok(error instanceof Error && "code" in error && error.code === "AOF_CORRUPT", text);
      }
    }
  });
});

describe("the files of a manifest", () => {
  let dir: AofDirectory;
  beforeEach(() => {
    dir = new AofDirectory();
  });
  afterEach(() => dir[Symbol.dispose]());
  const [set] = commands(["SET", "a", "1"]);

  const assertRefused = async (path: string, code: string, message: RegExp) => {
    const { events, error } = await outcomeOf(path);
    assert.equal(events.length, 0);
    assert.equal(error?.code, code);
    assert.match(String(error?.message), message);
  };

  it("are there before any of them is read, but for the history", async () => {
    dir.write("base 1.aof", set);
    dir.write(
      "a.manifest",
      'file "base 1.aof" seq 1 type b\nfile gone seq 1 type h\nfile missing.aof seq 1 type i\n',
    );
    await assertRefused(dir.path, "SOURCE", /missing\.aof cannot be read: there is no such file/);
    dir.write("missing.aof", set);
    assert.deepEqual(brief((await outcomeOf(dir.path)).events), ["0 set a 1", "0 set a 1"]);
  });

  it("are files", async () => {
    mkdirSync(join(dir.path, "x"));
    dir.write("a.manifest", "file x seq 1 type b\n");
    await assertRefused(dir.path, "SOURCE", /x cannot be read: it is a directory/);
  });

  it("are found through the one manifest of a directory", async () => {
    await assertRefused(join(dir.path, "nowhere"), "SOURCE", /nowhere cannot be read/);
    await assertRefused(dir.path, "SOURCE", /holds no AOF/);
    dir.write("temp-a.manifest", "unfinished");
    await assertRefused(dir.path, "SOURCE", /holds no AOF/);
    dir.write("a.manifest", "file a.aof seq 1 type i\n");
    dir.write("a.aof", set);
    assert.deepEqual(brief((await outcomeOf(dir.path)).events), ["0 set a 1"]);
    dir.write("b.manifest", "");
    await assertRefused(dir.path, "OPTION", /2 manifests/);
    await assertRefused(join(dir.path, "b.manifest"), "AOF_CORRUPT", /b\.manifest is no manifest/);
    dir.write("b.manifest", new Uint8Array(5 << 20).fill(0x23));
    await assertRefused(join(dir.path, "b.manifest"), "AOF_CORRUPT", /too long/);
  });
});
