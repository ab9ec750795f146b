/** The promises that resolve when the history contains a transaction, by transaction id. */

interface Waiting {
  resolve(sequence: number): void;
  reject(error: Error): void;
}

export class Places {
  readonly #waiting = new Map<string, Waiting>();

  /** Returns a promise of a transaction's sequence number. Node does not report its unhandled rejection. */
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

  /** Rejects all promises. */
  end(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
