/** A stepwise transaction, whose parts a program runs one after another, for example the statements of a client. */

import type { DatabaseSync } from '../api/database.js';
import type { Copy } from './copy.js';
import type { TransactionFunction } from './functions.js';
import type { Call, LocalTransaction } from './state.js';

/** The replica of a stepwise transaction. */
interface Owner<T> {
  readonly copy: Copy;
  /** Called when the transaction has ended. Returns the result of the commit. */
  ended(transaction: LocalTransaction | undefined): T;
}

/** A transaction of `Replica.begin()`. No message is applied until the transaction ends. */
export interface StepwiseTransaction<T> {
  /**
   * Runs a part. If the part throws, the changes of its completed statements stay in the transaction.
   *
   * @throws the error of `action`; ReplicaError `refused` if the part ran a forbidden statement
   */
  run<Value>(action: (database: DatabaseSync) => Value): Value;

  /**
   * Commits the transaction. When it is rebased, its parts run again in order, or the function that `call` names runs
   * instead.
   *
   * @throws ReplicaError the errors of `Replica.transaction()`, after a rollback
   */
  commit(call?: Call): T;

  /** Rolls back the transaction. Does nothing if the transaction has ended. */
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
