/**
 * One thing after the other.
 *
 * @module
 */

/** Lets asynchronous actions take their turns. */
export class Lock {
  #newest: Promise<unknown> = Promise.resolve();
  #holders = 0;

  /** Somebody has it, or waits for it. */
  get held(): boolean {
    return this.#holders > 0;
  }

  /** Runs an action when all that asked before are through. */
  with<T>(action: () => T | Promise<T>): Promise<T> {
    this.#holders++;
    const result = this.#newest.then(action).finally(() => this.#holders--);
    this.#newest = result.catch(() => {});
    return result;
  }
}
