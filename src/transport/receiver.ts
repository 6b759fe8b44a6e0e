/**
 * The reading side of a socket that pushes its bytes: joins what it pushes with the one read that
 * waits for them, and keeps how it all ended.
 *
 * @module
 */

interface Waiting {
  resolve(bytes: Uint8Array | undefined): void;
  reject(error: unknown): void;
}

/** What a socket pushes, one read at a time. */
export class Receiver {
  readonly #resume: () => void;
  #waiting: Waiting | undefined;
  #early: Uint8Array[] = [];
  #failure: Error | undefined;
  #over = false;

  /** `resume` asks the socket for more; it pauses itself after every push. */
  constructor(resume: () => void) {
    this.#resume = resume;
  }

  /** Whether the connection is whole as far as is known. */
  get open(): boolean {
    return !this.#over && this.#failure === undefined;
  }

  /** Whether the next push goes straight to a read; otherwise it is kept for the next one. */
  get waiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** The promise of {@linkcode Connection.read}. */
  read(): Promise<Uint8Array | undefined> {
    const bytes = this.#early.shift();
    if (bytes !== undefined) return Promise.resolve(bytes);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#over) this.#settle();
      else this.#resume();
    });
  }

  /** Bytes came. */
  push(bytes: Uint8Array): void {
    if (this.#waiting === undefined) this.#early.push(bytes);
    else this.#waiting.resolve(bytes);
    this.#waiting = undefined;
  }

  /** The connection broke; a read is told once the bytes before it are delivered and it ended. */
  fail(error: Error): void {
    if (!this.#over) this.#failure ??= error;
  }

  /** Nothing more will come. */
  end(): void {
    this.#over = true;
    this.#settle();
  }

  /** The reader itself closes: nothing that came, and no failure, matters any more. */
  close(): void {
    this.#failure = undefined;
    this.#early = [];
    this.end();
  }

  #settle(): void {
    if (this.#failure === undefined) this.#waiting?.resolve(undefined);
    else this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
  }
}
