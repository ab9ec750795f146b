/**
 * Reports transactions and savepoints to a component's table. SQLite reports only the savepoints that begin while a
 * table takes part, may return to earlier ones, and begins one again if a statement failed in between. A component
 * gets them in order: numbers count from 0 without a gap, and each one that ends was begun.
 */

/** `what` of {@link TableModule.transaction}. */
export const step = {
  begin: 0,
  sync: 1,
  commit: 2,
  rollback: 3,
  savepoint: 4,
  release: 5,
  rollbackTo: 6,
} as const;

/** One call of the component. */
export type Told = readonly [
  what: 'begin' | 'sync' | 'commit' | 'rollback' | 'savepoint' | 'release' | 'rollbackTo',
  savepoint: number,
];

export class Transaction {
  /** Whether the table takes part in a transaction. */
  open: boolean;
  /** How many savepoints the component knows. */
  #depth = 0;
  /** Savepoints before this one are older than the table. */
  #floor: number | undefined;
  #created: boolean;
  /** Its CREATE was undone: nothing more is reported. */
  #undone = false;

  /** @param created whether the table is created now, in a transaction that it takes part in */
  constructor(created: boolean) {
    this.open = created;
    this.#created = created;
  }

  /** Whether the table was created in its current transaction, and still exists. */
  get created(): boolean {
    return this.#created && !this.#undone;
  }

  /** The calls of the component, in this order. */
  calls(what: number, savepoint: number): Told[] {
    if (what === step.begin) return [['begin', 0]];
    if (this.#undone) return [];
    if (what === step.sync) return [['sync', 0]];
    if (what === step.commit) return [['commit', 0]];
    if (what === step.rollback) return [['rollback', 0]];
    if (what === step.savepoint) {
      const calls: Told[] = savepoint < this.#depth ? [['release', savepoint]] : [];
      for (let n = Math.min(savepoint, this.#depth); n <= savepoint; n++) calls.push(['savepoint', n]);
      return calls;
    }
    if (savepoint >= this.#depth) return [];
    if (what === step.release) return [['release', savepoint]];
    if (savepoint >= (this.#floor ?? 0)) return [['rollbackTo', savepoint]];
    // To before it took part: a savepoint that began the transaction has the number -1.
    return this.#created
      ? [['rollback', 0]]
      : [
          ['rollback', 0],
          ['begin', 0],
        ];
  }

  /** Notes that all of these calls were made. */
  done(what: number, savepoint: number): void {
    if (what === step.begin) {
      this.open = true;
      this.#created = false;
      this.#undone = false;
      this.#floor = undefined;
      this.#depth = 0;
    } else if (what === step.commit || what === step.rollback) {
      this.open = false;
      this.#created = false;
      this.#depth = 0;
    } else if (what === step.savepoint) {
      this.#floor ??= this.#created ? savepoint : 0;
      this.#depth = savepoint + 1;
    } else if (what === step.release) {
      this.#depth = Math.min(this.#depth, savepoint);
    } else if (what === step.rollbackTo && savepoint < this.#depth) {
      this.#undone = this.#created && savepoint < (this.#floor ?? 0);
      this.#depth = savepoint + 1;
    }
  }
}
