import { afterAll, beforeAll, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import type { Browser, CDPSession, Page as Tab } from "playwright-core";
import * as rdb from "../../src/rdb/mod.ts";
import { describeWithChromium, startChromium } from "../support/chromium.ts";
import { damagedFixtures, fixtureNamed, fixtures, loadRdb } from "../support/fixtures.ts";
import type { From, Page } from "./page.ts";
import { inspectAll, readAll, redump, rewrite } from "./reading.ts";
import { bundles, serve, type Site } from "./site.ts";

const SCRIPTS = "default-src 'self'; img-src data:; script-src 'self'";
/** The pages, and their Content-Security-Policy. */
const POLICIES = {
  package: `${SCRIPTS} 'wasm-unsafe-eval'`,
  source: `${SCRIPTS} 'wasm-unsafe-eval'`,
  closed: SCRIPTS,
};
const MIB = 2 ** 20;

const streams = fixtureNamed("redis-7.2.6/streams");

function pathOf(fixture: { readonly name: string }): string {
  return `/fixtures/${fixture.name}.rdb`;
}

/** Both are JSON. */
function assertSame(inPage: string, outside: string): void {
  assert.deepEqual(JSON.parse(inPage), JSON.parse(outside));
}

describeWithChromium("./rdb in a browser", () => {
  let bundled: Awaited<ReturnType<typeof bundles>>;
  let site: Site;
  let browser: Browser;
  const tabs = new Map<string, Tab>();
  /** What the pages complained of, and what they asked of others than their server. */
  const problems: string[] = [];

  beforeAll(async () => {
    bundled = await bundles();
    const code = bundled.package.code;
    site = await serve({ package: code, source: bundled.source.code, closed: code }, POLICIES);
    browser = await startChromium();
    for (const name of Object.keys(POLICIES)) {
      const tab = await browser.newPage();
      tabs.set(name, tab);
      tab.on("console", (message) => problems.push(message.text()));
      tab.on("pageerror", (error) => problems.push(error.message));
      tab.on("request", (request) => {
        const { origin, protocol } = new URL(request.url());
        if (origin !== site.origin && protocol !== "data:") problems.push(request.url());
      });
      await tab.goto(`${site.origin}/${name}`);
      await tab.setInputFiles("input", streams.rdbPath);
    }
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  function tabOf(name: keyof typeof POLICIES): Tab {
    const tab = tabs.get(name);
    assert.ok(tab);
    return tab;
  }

  /** Calls a function of a page. */
  async function call<Name extends keyof Page>(
    tab: Tab,
    name: Name,
    ...args: Parameters<Page[Name]>
  ): Promise<Awaited<ReturnType<Page[Name]>>> {
    return await tab.evaluate<Awaited<ReturnType<Page[Name]>>>(
      `page.${name}(...${JSON.stringify(args)})`,
    );
  }

  it("is bundled without a flag, a warning, or anything of a runtime's", () => {
    for (const { warnings, imports, code } of Object.values(bundled)) {
      assert.deepEqual(warnings, []);
      assert.deepEqual(imports, []);
      assert.doesNotMatch(code, /\bimport\(\s*["'`]|\brequire\(|\bDeno\.|\bBun\.|node:(net|tls)/);
    }
    const others = bundled.source.inputs.filter((path) =>
      !/^(src\/(rdb|decode)\/|src\/\w+\.ts$|wasm\/abi\.ts$|tests\/browser\/|<stdin>$)/.test(path)
    );
    assert.deepEqual(others, []);
    assert.ok(bundled.source.inputs.includes("src/rdb/source.ts"));
  });

  for (const name of ["package", "source"] as const) {
    it(`reads every kind of source there is, with the bundle of the ${name}`, async () => {
      const outside = await readAll(rdb, loadRdb(streams));
      assert.ok(JSON.parse(outside).events.length > 10);
      const all: readonly From[] = ["body", "url", "bytes", "blob", "iterable", "file"];
      for (const from of all) {
        assertSame(await call(tabOf(name), "read", pathOf(streams), from), outside);
      }
    });

    it(`says that there are no paths, with the bundle of the ${name}`, async () => {
      for (const source of ["dump.rdb", "/tmp/dump.rdb", "file:///tmp/dump.rdb"]) {
        const { events, error } = JSON.parse(await call(tabOf(name), "readString", source));
        assert.deepEqual(events, []);
        assert.equal(error.code, "SOURCE");
        assert.ok(error.message.startsWith(`${source} cannot be read: a browser has no paths;`));
      }
    });
  }

  it("reads the snapshots as they are read elsewhere", async () => {
    const all = fixtures();
    const readings = await call(tabOf("package"), "readEach", all.map(pathOf));
    assert.equal(readings.length, all.length);
    for (const [i, fixture] of all.entries()) {
      assertSame(readings[i], await readAll(rdb, loadRdb(fixture)));
    }
  });

  it("throws the typed errors of damaged snapshots", async () => {
    const all = damagedFixtures();
    const paths = all.map(({ file }) => `/fixtures/damaged/${file}`);
    const readings = await call(tabOf("package"), "readEach", paths);
    let errors = 0;
    for (const [i, fixture] of all.entries()) {
      assertSame(readings[i], await readAll(rdb, loadRdb(fixture)));
      if ("error" in JSON.parse(readings[i])) errors++;
    }
    assert.ok(errors >= all.length / 2, `${errors} errors`);
  });

  it("filters", async () => {
    const multidb = fixtureNamed("redis-7.0.15/multidb");
    const bytes = loadRdb(multidb);
    const whole = await readAll(rdb, bytes);
    for (const filter of [{ db: 0 }, { kind: ["list", "hash"] as const }, { key: "*a*" }]) {
      const inPage = await call(tabOf("package"), "read", pathOf(multidb), "body", { filter });
      assertSame(inPage, await readAll(rdb, bytes, { filter }));
      assert.ok(inPage.length < whole.length);
    }
  });

  it("inspects", async () => {
    const inPage = await call(tabOf("package"), "inspect", pathOf(streams));
    assertSame(inPage, await inspectAll(rdb, loadRdb(streams)));
    assert.equal(JSON.parse(inPage).keys, streams.keys);
  });

  it("writes RDBs and DUMP payloads", async () => {
    const bytes = loadRdb(streams);
    const written = await call(tabOf("package"), "rewrite", pathOf(streams));
    assertSame(written, await rewrite(rdb, bytes));
    const { keys } = await rdb.inspectRdb(Uint8Array.from(JSON.parse(written)));
    assert.equal(keys, streams.keys);
    const dumped = await call(tabOf("package"), "redump", pathOf(streams));
    assertSame(dumped, await redump(rdb, bytes));
    assert.equal(JSON.parse(dumped).length, streams.keys);
  });

  it("reads in a worker", async () => {
    const inWorker = await call(tabOf("package"), "readInWorker");
    assertSame(inWorker, await readAll(rdb, loadRdb(streams)));
  });

  it("says what a page's policy lacks", async () => {
    const { error } = JSON.parse(await call(tabOf("closed"), "read", pathOf(streams), "body"));
    assert.equal(error.code, "OPTION");
    assert.match(error.message, /'wasm-unsafe-eval'/);
  });

  it("keeps no memory of what was read, or left", async () => {
    const tab = tabOf("package");
    const devtools = await tab.context().newCDPSession(tab);
    await call(tab, "readMade", 2);
    const before = await memory(tab, devtools);
    assert.ok(before.linear > 0);
    assert.ok(await call(tab, "readMade", 12) > 6 * 4096);
    const after = await memory(tab, devtools);
    assert.ok(after.linear <= before.linear, `${before.linear} to ${after.linear} bytes`);
    assert.ok(after.heap - before.heap < MIB, `${before.heap} to ${after.heap} bytes`);
  });

  /** Bytes of the heap with what its buffers hold, and of linear memory. */
  async function memory(
    tab: Tab,
    devtools: CDPSession,
  ): Promise<{ readonly heap: number; readonly linear: number }> {
    await devtools.send("HeapProfiler.collectGarbage");
    const { usedSize, backingStorageSize } = await devtools.send("Runtime.getHeapUsage");
    return { heap: usedSize + backingStorageSize, linear: await call(tab, "linearMemory") };
  }

  it("asked nothing of anybody else, and left nothing on the console", () => {
    assert.deepEqual(problems, []);
  });
});
