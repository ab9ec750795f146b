/** The functions of transactions: those that run again if their transaction meets the history. */

import type { DatabaseSync } from '../api/database.js';
import { invalidType, invalidValue } from '../kernel/arguments.js';
import { replicaError } from './errors.js';
import type { Call, LocalTransaction } from './state.js';

/** A function of a transaction. */
export type TransactionFunction<T = unknown> = (database: DatabaseSync) => T;

/** A function that is registered under a name. Its arguments are what JSON makes of those given. */
export type RegisteredFunction = (database: DatabaseSync, ...args: never[]) => unknown;

export class Functions {
  readonly #named = new Map<string, RegisteredFunction>();
  /** The functions of pending transactions, by their ids: those that were not registered. */
  readonly #closures = new Map<string, TransactionFunction>();

  /** Registers a function under a name, which transactions then keep. */
  register(name: string, action: RegisteredFunction): void {
    this.#named.set(name, action);
  }

  /** Whether a function is registered under a name. */
  knows(name: string): boolean {
    return this.#named.has(name);
  }

  /** The function of a call. @throws ReplicaError (`refused`) if there is none of that name */
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

  /** Keeps the function of a pending transaction while the process lives. */
  remember(id: string, action: TransactionFunction): void {
    this.#closures.set(id, action);
  }

  /** The transactions are pending no more. */
  forget(transactions: readonly LocalTransaction[]): void {
    for (const { id } of transactions) this.#closures.delete(id);
  }

  /** Only these transactions are still pending. */
  keep(transactions: readonly LocalTransaction[]): void {
    const ids = new Set(transactions.map(({ id }) => id));
    for (const id of this.#closures.keys()) if (!ids.has(id)) this.#closures.delete(id);
  }

  /** What runs a pending transaction again; undefined if its function is not known here. */
  again({ id, call }: LocalTransaction, database: DatabaseSync): (() => unknown) | undefined {
    const action = call ? this.knows(call.name) && this.of(call) : this.#closures.get(id);
    return action ? () => action(database) : undefined;
  }
}

/** A call with its arguments as JSON has them, so that it runs again as it ran first. */
export function callOf(name: string, args: unknown = []): Call {
  if (!Array.isArray(args)) throw invalidType('The "args" argument must be an array.');
  let text: string;
  try {
    text = JSON.stringify(args);
  } catch (error) {
    throw Object.assign(invalidValue('The "args" argument must be what JSON can hold.'), { cause: error });
  }
  return { name, args: JSON.parse(text) as unknown[] };
}
