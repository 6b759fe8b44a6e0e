// Counts the test cases of a JUnit report as Deno, Bun and Node write it.

const CASE = /<testcase((?:\s+[\w:-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g;

/**
 * Deno lists a suite beside its cases, which repeat its name: "suite" and "suite > case". Only
 * names that no other name continues are cases. But a suite that was cut off is an error, whatever
 * its cases say.
 *
 * @param {string} xml
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function countCases(xml) {
  const cases = [...xml.matchAll(CASE)].map(([, attributes, body = ""]) => ({
    name: (attributes.match(/\sname="([^"]*)"/)?.[1] ?? "").replaceAll("&gt;", ">"),
    body,
  }));
  const suites = new Set();
  for (const { name } of cases) {
    for (let at = name.indexOf(" > "); at >= 0; at = name.indexOf(" > ", at + 1)) {
      suites.add(name.slice(0, at));
    }
  }
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, body } of cases) {
    if (/<error\b/.test(body)) counts.failed++;
    else if (suites.has(name)) continue;
    else if (/<failure\b/.test(body)) counts.failed++;
    else if (/<skipped\b/.test(body)) counts.skipped++;
    else counts.passed++;
  }
  return counts;
}
