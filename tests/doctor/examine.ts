import assert from "node:assert/strict";
import type { NsyncOptions } from "../../mod.ts";
import { type Check, doctor, type DoctorReport, type Finding } from "../../src/doctor/mod.ts";

/** A password that must not show anywhere. */
export const SECRET = "correct-horse-battery";

/** What the doctor finds, which is in time and keeps secrets. */
export async function examine(url: string, options: NsyncOptions = {}): Promise<DoctorReport> {
  const report = await doctor(url, options);
  assert.ok(report.ms < 2000, `${report.ms} ms`);
  const text = JSON.stringify(report);
  assert.ok(!text.includes(SECRET), text);
  const problems = report.findings.filter(({ state }) => state === "problem");
  assert.equal(report.ok, problems.length === 0);
  for (const { message, advice } of report.findings) {
    assert.match(message, /^\S.*\S$/);
    assert.doesNotMatch(message, /undefined|NaN|\[object|\n/);
    assert.doesNotMatch(advice ?? "", /undefined|NaN|\[object|\n/);
  }
  return report;
}

/** What was found about one thing. */
export function finding(report: DoctorReport, check: Check): Finding {
  return report.findings.find((one) => one.check === check) ??
    assert.fail(`nothing about ${check}: ${JSON.stringify(report)}`);
}

/** What is no more than a state for each thing that was looked at. */
export function states(report: DoctorReport): Partial<Record<Check, string>> {
  return Object.fromEntries(report.findings.map(({ check, state }) => [check, state]));
}
