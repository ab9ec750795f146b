/** Parts of a holder: each is made when first requested, and ended with its holder. */

/** Makes a part. The function identifies the part, so it must be a module's function and not made for the call. */
export type MakePart<Holder, Part> = (holder: Holder) => Part;

/** The parts of one holder. A part with `[Symbol.dispose]` is told when the holder ends. */
export class Parts<Holder extends object> {
  readonly #holder: Holder;
  readonly #made = new Map<MakePart<Holder, unknown>, unknown>();
  readonly #ending: (() => void)[] = [];

  constructor(holder: Holder) {
    this.#holder = holder;
  }

  /** The part that `make` makes: the same one each time. It exists even after the end, because late users request it. */
  get<Part extends object>(make: MakePart<Holder, Part>): Part {
    const known = this.#made.get(make);
    if (known !== undefined) return known as Part; // what `make` made, since that is the key
    const part = make(this.#holder);
    this.#made.set(make, part);
    if (isDisposable(part)) this.onEnd(() => part[Symbol.dispose]());
    return part;
  }

  /** Calls `action` when the holder ends. */
  onEnd(action: () => void): void {
    this.#ending.push(action);
  }

  /** Ends what was made, last one first: a part may use those that were there before it. */
  end(): void {
    for (const action of this.#ending.splice(0).reverse()) action();
  }
}

function isDisposable(part: object): part is Disposable {
  return Symbol.dispose in part;
}
