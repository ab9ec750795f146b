/** The functions of transactions. They run again when their transactions are rebased. */

import type { DatabaseSync } from '../api/database.js';
import { invalidType, invalidValue } from '../kernel/arguments.js';
import { replicaError } from './errors.js';
import type { Call, LocalTransaction } from './state.js';

export type TransactionFunction<T = unknown> = (database: DatabaseSync) => T;

/** A function that is registered under a name. Its arguments are converted to JSON and back. */
export type RegisteredFunction = (database: DatabaseSync, ...args: never[]) => unknown;

export class Functions {
  readonly #named = new Map<string, RegisteredFunction>();
  /** The unregistered functions of pending transactions, by transaction id. */
  readonly #closures = new Map<string, TransactionFunction>();

  register(name: string, action: RegisteredFunction): void {
    this.#named.set(name, action);
  }

  /** Whether a function is registered under a name. */
  knows(name: string): boolean {
    return this.#named.has(name);
  }

  /** Returns a function that makes a call. @throws ReplicaError (`refused`) if no function has that name */
  of({ name, args }: Call): TransactionFunction {
    const action = this.#named.get(name);
    if (!action) {
      throw replicaError(
        'refused',
        `no function is registered as ${JSON.stringify(name)}: call register() first`,
      );
    }
    return (database) => action(database, ...(args as never[]));
  }

  /** Keeps the function of a pending transaction until the transaction is no longer pending. */
  remember(id: string, action: TransactionFunction): void {
    this.#closures.set(id, action);
  }

  /** Forgets the functions of transactions that are no longer pending. */
  forget(transactions: readonly LocalTransaction[]): void {
    for (const { id } of transactions) this.#closures.delete(id);
  }

  /** Forgets the functions of all transactions except these. */
  keep(transactions: readonly LocalTransaction[]): void {
    const ids = new Set(transactions.map(({ id }) => id));
    for (const id of this.#closures.keys()) if (!ids.has(id)) this.#closures.delete(id);
  }

  /** Returns a function that runs a pending transaction again; undefined if this process does not have its function. */
  again({ id, call }: LocalTransaction, database: DatabaseSync): (() => unknown) | undefined {
    const action = call ? this.knows(call.name) && this.of(call) : this.#closures.get(id);
    return action ? () => action(database) : undefined;
  }
}

/** Makes a call with arguments converted to JSON and back, so that the first run gets the same as later runs. */
export function callOf(name: string, args: unknown = []): Call {
  if (!Array.isArray(args)) throw invalidType('The "args" argument must be an array.');
  let text: string;
  try {
    text = JSON.stringify(args);
  } catch (error) {
    throw Object.assign(invalidValue('The "args" argument must contain only JSON values.'), { cause: error });
  }
  return { name, args: JSON.parse(text) as unknown[] };
}
