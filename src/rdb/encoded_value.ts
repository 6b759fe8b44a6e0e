/**
 * A value on its way into an RDB.
 *
 * @module
 */

import { ByteSink } from "./byte_sink.ts";
import { member, type Subject } from "./subject.ts";

/** A value as it stands in an RDB: its type byte, then (in a file) the key, then head and body. */
export class EncodedValue {
  /** Its type byte. */
  type = 0;
  /** What is known only when the value is complete, and stands first: counts, mostly. */
  readonly head: ByteSink = new ByteSink();
  /** The rest. */
  readonly body: ByteSink = new ByteSink();

  /** Forgets it. */
  clear(): void {
    this.type = 0;
    this.head.clear();
    this.body.clear();
  }
}

/** Encodes one value, which may come in parts. */
export abstract class ValueEncoder {
  /** What is encoded. */
  protected readonly subject: Subject;
  /** Where it goes. */
  protected readonly into: EncodedValue;

  /** An encoder that fills `into`. */
  constructor(subject: Subject, into: EncodedValue) {
    this.subject = subject;
    this.into = into;
  }

  /** Takes the value, or its next part, from an event or an object like one. */
  abstract add(source: object): void;
  /** Completes the {@linkcode EncodedValue}. */
  abstract finish(): void;
}

/** The value of an event, or of an object like one: in bytes where it has that. */
export function valueOf(source: object): unknown {
  return member(source, "valueBytes") ?? member(source, "value");
}
