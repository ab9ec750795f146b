/** A transaction whose parts are not known at once, such as that of a client that sends one statement after another. */

import type { DatabaseSync } from '../api/database.js';
import type { Copy } from './copy.js';
import type { TransactionFunction } from './functions.js';
import type { Call, LocalTransaction } from './state.js';

/** What a transaction in steps needs of its replica. */
interface Owner<T> {
  readonly copy: Copy;
  /** The transaction ended. */
  ended(transaction: LocalTransaction | undefined): T;
}

/** Made by `Replica.begin()`. The history waits until it ends. */
export interface StepwiseTransaction<T> {
  /**
   * Runs a part. If it throws, what it changed until then stays in the transaction, as SQLite has it.
   *
   * @throws what it throws; ReplicaError `refused` for what a transaction may not do
   */
  run<Value>(action: (database: DatabaseSync) => Value): Value;

  /**
   * Commits it. If it meets a history that it does not know, its parts run again in order, or what `call` names.
   *
   * @throws ReplicaError as `Replica.transaction()` does; it is rolled back then
   */
  commit(call?: Call): T;

  /** Rolls it back. Nothing happens if it is over. */
  rollback(): void;
}

export class Steps<T> implements StepwiseTransaction<T> {
  readonly #owner: Owner<T>;
  readonly #actions: TransactionFunction[] = [];
  #isOver = false;

  constructor(owner: Owner<T>) {
    this.#owner = owner;
    owner.copy.begin();
  }

  run<Value>(action: (database: DatabaseSync) => Value): Value {
    const value = this.#owner.copy.step(action);
    this.#actions.push(action);
    return value;
  }

  commit(call?: Call): T {
    this.#isOver = true;
    const actions = this.#actions;
    const again: TransactionFunction = call
      ? this.#owner.copy.functions.of(call)
      : (database) => {
          for (const action of actions) action(database);
        };
    return this.#owner.ended(this.#owner.copy.commit(again, call));
  }

  rollback(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.copy.rollback();
    this.#owner.ended(undefined);
  }
}
