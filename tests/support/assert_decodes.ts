import assert from "node:assert/strict";
import { type Fixture, loadTruth } from "./fixtures.ts";
import { TruthBuilder } from "./truth.ts";
import { assertTruth } from "./truth_compare.ts";

/** The events of a snapshot are what the server said about it, and end as they should. */
export async function assertDecodes(
  fixture: Fixture,
  events: AsyncIterable<{ readonly type: string }>,
): Promise<void> {
  const truth = new TruthBuilder();
  let last: string | undefined;
  for await (const event of events) {
    truth.add(event);
    last = event.type;
  }
  assert.equal(last, "eof", fixture.name);
  assertTruth(truth.truth(), loadTruth(fixture), fixture.name);
}
