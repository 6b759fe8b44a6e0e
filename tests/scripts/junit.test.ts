import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { countCases } from "../../scripts/junit.mjs";

const DENO = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="6" failures="2" errors="0" time="0.095">
    <testsuite name="ext:deno_node/testing.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="outer &gt; a &lt; &amp; &quot; &gt; b" classname="x.ts" time="0.000" line="1">
        </testcase>
        <testcase name="outer &gt; fails" classname="x.ts" time="0.001" line="1" col="21231">
            <failure message="Uncaught AssertionError:

1 !== 2
">AssertionError</failure>
        </testcase>
        <testcase name="outer &gt; skipped" classname="x.ts" time="0.000" line="1">
            <skipped/>
        </testcase>
        <testcase name="outer &gt; inner" classname="x.ts" time="0.007" line="1">
        </testcase>
        <testcase name="outer &gt; inner &gt; deep" classname="x.ts" time="0.007" line="1">
        </testcase>
    </testsuite>
    <testsuite name="./tests/a.test.ts" tests="1" disabled="0" errors="0" failures="1">
        <testcase name="outer" classname="./tests/a.test.ts" time="0.011" line="3" col="1">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="outside" classname="./tests/a.test.ts" time="0.000" line="10" col="1">
        </testcase>
    </testsuite>
</testsuites>`;

const BUN = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4" assertions="0" failures="1" skipped="1" time="0.036">
  <testsuite name="tests/a.test.ts" file="tests/a.test.ts" tests="4" failures="1" skipped="1">
    <testsuite name="outer" file="tests/a.test.ts" line="3" tests="3" failures="1" skipped="1">
      <testcase name="a &lt; &amp; &quot; &gt; b" classname="outer" time="0.1" assertions="0" />
      <testcase name="fails" classname="outer" time="0.009" assertions="0">
        <failure type="AssertionError" message="1 !== 2">AssertionError</failure>
      </testcase>
      <testcase name="skipped" classname="outer" time="0" assertions="0">
        <skipped />
      </testcase>
    </testsuite>
    <testcase name="outside" classname="" time="0.000005" assertions="0" />
  </testsuite>
</testsuites>`;

const NODE = `<?xml version="1.0" encoding="utf-8"?>
<testsuites>
	<testsuite name="outer" time="0.006" disabled="0" errors="0" tests="3" failures="1" skipped="1">
		<testcase name="a &lt; &amp;quot; > b" time="0.001128" classname="test"/>
		<testcase name="fails" time="0.002015" classname="test" failure="1 !== 2">
			<failure type="testCodeFailure" message="1 !== 2">Error</failure>
		</testcase>
		<testcase name="skipped" time="0.000153" classname="test">
			<skipped type="skipped" message="true"/>
		</testcase>
	</testsuite>
	<testcase name="outside" time="0.000154" classname="test"/>
</testsuites>`;

/** What Deno writes when a test ends the process. */
const CUT_OFF = `<testsuites name="deno test" tests="3" failures="0" errors="1" time="0.002">
    <testsuite name="./tests/a.test.ts" tests="1" disabled="0" errors="1" failures="0">
        <testcase name="outer" classname="./tests/a.test.ts" time="0.000" line="3" col="1">
            <error message="Cancelled"/>
        </testcase>
    </testsuite>
    <testsuite name="ext:deno_node/testing.ts" tests="2" disabled="1" errors="0" failures="0">
        <testcase name="outer &gt; runs" classname="x.ts" time="0.000" line="1" col="23191">
        </testcase>
        <testcase name="outer &gt; exits" classname="x.ts" line="1" col="21231">
            <skipped/>
        </testcase>
    </testsuite>
</testsuites>`;

describe("countCases", () => {
  it("counts cases, not the suites that Deno lists beside them", () => {
    assert.deepEqual(countCases(DENO), { passed: 3, failed: 1, skipped: 1 });
  });

  it("counts what Bun writes", () => {
    assert.deepEqual(countCases(BUN), { passed: 2, failed: 1, skipped: 1 });
  });

  it("counts what Node writes", () => {
    assert.deepEqual(countCases(NODE), { passed: 2, failed: 1, skipped: 1 });
  });

  it("counts a suite that was cut off as failed", () => {
    assert.deepEqual(countCases(CUT_OFF), { passed: 1, failed: 1, skipped: 1 });
  });

  it("finds nothing in an empty report", () => {
    assert.deepEqual(countCases(""), { passed: 0, failed: 0, skipped: 0 });
  });
});
