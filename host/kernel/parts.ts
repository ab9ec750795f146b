/** Objects that belong to a holder, such as a connection, made on first use and disposed of when the holder ends. */

/** Makes a part. The function itself is the key of the part, so it must not be a new function at each call. */
export type MakePart<Holder, Part> = (holder: Holder) => Part;

/** The parts of one holder. A part with `[Symbol.dispose]` is disposed of when the holder ends. */
export class Parts<Holder extends object> {
  readonly #holder: Holder;
  readonly #made = new Map<MakePart<Holder, unknown>, unknown>();
  readonly #ending: (() => void)[] = [];

  constructor(holder: Holder) {
    this.#holder = holder;
  }

  /**
   * Returns the part that `make` makes, the same object each time. Works after the holder ended, because late callers
   * need it.
   */
  get<Part extends object>(make: MakePart<Holder, Part>): Part {
    const known = this.#made.get(make);
    if (known !== undefined) return known as Part; // the key `make` guarantees the type
    const part = make(this.#holder);
    this.#made.set(make, part);
    if (isDisposable(part)) this.onEnd(() => part[Symbol.dispose]());
    return part;
  }

  /** Calls `action` when the holder ends. */
  onEnd(action: () => void): void {
    this.#ending.push(action);
  }

  /** Ends the parts, the newest first, because a part may use parts that were made before it. */
  end(): void {
    for (const action of this.#ending.splice(0).reverse()) action();
  }
}

function isDisposable(part: object): part is Disposable {
  return Symbol.dispose in part;
}
