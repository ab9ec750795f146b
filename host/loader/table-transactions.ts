/**
 * Reports transactions and savepoints to a component's table. SQLite reports only the savepoints that begin while a
 * table takes part in the transaction, can roll back to earlier savepoints, and can report the same savepoint twice
 * after a failed statement. The component gets a regular sequence: savepoints are numbered from 0 without gaps, and
 * only savepoints that have begun end.
 */

/** The values of `what` of {@link TableModule.transaction}. */
export const step = {
  begin: 0,
  sync: 1,
  commit: 2,
  rollback: 3,
  savepoint: 4,
  release: 5,
  rollbackTo: 6,
} as const;

/** A call of the component. */
export type Told = readonly [
  what: 'begin' | 'sync' | 'commit' | 'rollback' | 'savepoint' | 'release' | 'rollbackTo',
  savepoint: number,
];

export class Transaction {
  /** Whether the table takes part in a transaction. */
  open: boolean;
  /** The number of savepoints that were reported to the component. */
  #depth = 0;
  /** Savepoints below this number began before the table took part. */
  #floor: number | undefined;
  #created: boolean;
  /** Whether the CREATE of the table was undone. Then nothing more is reported. */
  #undone = false;

  /** @param created whether the table is being created, in a transaction in which it takes part */
  constructor(created: boolean) {
    this.open = created;
    this.#created = created;
  }

  /** Whether the table was created in its current transaction, and still exists. */
  get created(): boolean {
    return this.#created && !this.#undone;
  }

  /** The calls of the component to make, in order. */
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
    // A rollback to a savepoint before the table took part. A savepoint that began the transaction has the number -1.
    return this.#created
      ? [['rollback', 0]]
      : [
          ['rollback', 0],
          ['begin', 0],
        ];
  }

  /** Records that the calls for this step have been made. */
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
