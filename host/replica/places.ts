/** The promises of places in the history, by the ids of the transactions. */

interface Waiting {
  resolve(sequence: number): void;
  reject(error: Error): void;
}

export class Places {
  readonly #waiting = new Map<string, Waiting>();

  /** A promise of the place of a transaction. Nothing happens if nobody looks at its failure. */
  of(id: string): Promise<number> {
    const placed = new Promise<number>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    placed.catch(() => {});
    return placed;
  }

  place(id: string, sequence: number): void {
    this.#waiting.get(id)?.resolve(sequence);
    this.#waiting.delete(id);
  }

  reject(id: string, error: Error): void {
    this.#waiting.get(id)?.reject(error);
    this.#waiting.delete(id);
  }

  /** None of them will have a place now. */
  end(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
