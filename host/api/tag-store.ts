/** Statements as tagged templates, prepared once for each text. */

import { illegalConstructor, invalidType, isBytes, isInt32, outOfRange } from '../kernel/arguments.js';
import type { SupportedValueType } from './parameters.js';
import type { RowIterator } from './row-iterator.js';
import type { Row } from './rows.js';
import type { RunResult, StatementSync } from './statement.js';

/** Only this file has it: `new SQLTagStore()` in a program throws. */
const own = Symbol('made by a database');
let construct: <Database extends Preparing>(database: Database, capacity: number) => SQLTagStore<Database>;

/** What a store uses of its database. */
export interface Preparing {
  /** Whether it is open. */
  readonly isOpen: boolean;
  /** Compiles one statement. */
  prepare(sql: string): StatementSync;
}

/**
 * Runs tagged templates: each `${value}` is a parameter, never text of the SQL. The statements of the `capacity` texts
 * that were used last stay prepared. Made by `DatabaseSync.createTagStore`.
 */
export class SQLTagStore<Database extends Preparing = Preparing> {
  readonly #database: Database;
  readonly #capacity: number;
  /** By text, that which was used last at the end. */
  readonly #statements = new Map<string, StatementSync>();

  /** @throws Error (ERR_ILLEGAL_CONSTRUCTOR) if a program calls it */
  private constructor(token: symbol, database: Database, capacity: number) {
    if (token !== own) throw illegalConstructor();
    this.#database = database;
    this.#capacity = capacity;
  }

  static {
    construct = (database, capacity) => new SQLTagStore(own, database, capacity);
  }

  /** All rows. Errors are those of `DatabaseSync.prepare` and {@link StatementSync.all}. */
  all(strings: TemplateStringsArray, ...values: SupportedValueType[]): Row[] {
    return this.#statement(strings, values).all(...values);
  }

  /** The first row, or undefined if there is none. */
  get(strings: TemplateStringsArray, ...values: SupportedValueType[]): Row | undefined {
    return this.#statement(strings, values).get(...values);
  }

  /** The rows one by one. */
  iterate(strings: TemplateStringsArray, ...values: SupportedValueType[]): RowIterator {
    return this.#statement(strings, values).iterate(...values);
  }

  /** Runs the statement to its end and returns what it changed. */
  run(strings: TemplateStringsArray, ...values: SupportedValueType[]): RunResult {
    return this.#statement(strings, values).run(...values);
  }

  /** Forgets all statements. */
  clear(): void {
    this.#statements.clear();
  }

  /** How many statements are kept. */
  get size(): number {
    return this.#statements.size;
  }

  /** How many are kept at most. */
  get capacity(): number {
    return this.#capacity;
  }

  /** The database. */
  get db(): Database {
    return this.#database;
  }

  #statement(strings: unknown, values: readonly unknown[]): StatementSync {
    if (!Array.isArray(strings) || strings.some((part) => typeof part !== 'string')) {
      throw invalidType('First argument must be an array of strings (template literal).');
    }
    // An object would name parameters.
    const wrong = values.findIndex((value) => typeof value === 'object' && value !== null && !isBytes(value));
    if (wrong >= 0) throw invalidType(`Provided value cannot be bound to SQLite parameter ${wrong + 1}.`);
    const text = strings.join('?');
    const known = this.#database.isOpen ? this.#statements.get(text) : undefined;
    const statement = known ?? this.#database.prepare(text);
    this.#statements.delete(text);
    this.#statements.set(text, statement);
    if (this.#statements.size > this.#capacity) {
      for (const [oldest] of this.#statements) {
        this.#statements.delete(oldest);
        break;
      }
    }
    return statement;
  }
}

/** For `DatabaseSync.createTagStore`. */
export function makeTagStore<Database extends Preparing>(
  database: Database,
  maxSize: unknown,
): SQLTagStore<Database> {
  const message = 'The "maxSize" argument must be a positive integer.';
  if (typeof maxSize !== 'number') throw invalidType(message);
  if (!isInt32(maxSize) || maxSize < 1) throw outOfRange(message);
  return construct(database, maxSize);
}
