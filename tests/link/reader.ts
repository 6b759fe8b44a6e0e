import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { Link, NsyncEvent } from "../../mod.ts";

type EventOf<T extends NsyncEvent["type"]> = Extract<NsyncEvent, { readonly type: T }>;

/** Pulls a link's events one by one, as a loop body would see them. */
export class Reader implements AsyncDisposable {
  readonly link: Link;
  /** What it pulls with. */
  readonly iterator: AsyncIterator<NsyncEvent>;

  /** Becomes the link's one consumer. */
  constructor(link: Link) {
    this.link = link;
    this.iterator = link[Symbol.asyncIterator]();
  }

  /** The next event; fails at the end. */
  async next(): Promise<NsyncEvent> {
    const result = await this.iterator.next();
    if (result.done === true) assert.fail("the link has ended");
    return result.value;
  }

  /** The next event, which has to be of that type. */
  async expect<T extends NsyncEvent["type"]>(type: T): Promise<EventOf<T>> {
    const event = await this.next();
    if (!isOf(event, type)) assert.fail(`${type} was due, not ${inspect(event)}`);
    return event;
  }

  /** The next event of that type, and those before it. */
  async until<T extends NsyncEvent["type"]>(
    type: T,
    wanted: (event: EventOf<T>) => boolean = () => true,
  ): Promise<{ readonly event: EventOf<T>; readonly before: readonly NsyncEvent[] }> {
    const before: NsyncEvent[] = [];
    for (;;) {
      const event = await this.next();
      if (isOf(event, type) && wanted(event)) return { event, before };
      before.push(event);
    }
  }

  /** The iteration must be over, without an error. */
  async expectEnd(): Promise<void> {
    assert.deepEqual(await this.iterator.next(), { done: true, value: undefined });
  }

  /** The iteration must throw; gives what it throws. */
  async failure(): Promise<unknown> {
    try {
      const result = await this.iterator.next();
      assert.fail(`no error, but ${inspect(result)}`);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return error;
    }
  }

  /** Closes the link. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.link.close();
  }
}

function isOf<T extends NsyncEvent["type"]>(event: NsyncEvent, type: T): event is EventOf<T> {
  return event.type === type;
}
