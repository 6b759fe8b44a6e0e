/** A place where somebody waits until he may go on. */
export class Gate {
  /** Resolves when somebody waits, or has passed. */
  readonly reached: Promise<void>;
  #arrive: () => void = () => {};
  #open: () => void = () => {};
  readonly #opened: Promise<void>;

  constructor() {
    this.reached = new Promise((resolve) => this.#arrive = resolve);
    this.#opened = new Promise((resolve) => this.#open = resolve);
  }

  /** Waits until it is open. */
  readonly pass = (): Promise<void> => {
    this.#arrive();
    return this.#opened;
  };

  /** Lets everybody pass, now and later. */
  open(): void {
    this.#open();
  }
}
