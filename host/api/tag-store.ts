/** Statements as tagged templates. Each template is prepared once. */

import { illegalConstructor, invalidType, isBytes, isInt32, outOfRange } from '../kernel/arguments.js';
import type { SupportedValueType } from './parameters.js';
import type { RowIterator } from './row-iterator.js';
import type { Row } from './rows.js';
import type { RunResult, StatementSync } from './statement.js';

/** Known only to this file, so that `new SQLTagStore()` throws in a program. */
const own = Symbol('made by a database');
let construct: <Database extends Preparing>(database: Database, capacity: number) => SQLTagStore<Database>;

/** The part of a database that a tag store uses. */
export interface Preparing {
  /** Whether the database is open. */
  readonly isOpen: boolean;
  /** Compiles one statement. */
  prepare(sql: string): StatementSync;
}

/**
 * Runs tagged templates. Each `${value}` is bound as a parameter and never becomes part of the SQL. The store keeps the
 * `capacity` most recently used statements. `DatabaseSync.createTagStore` makes stores.
 */
export class SQLTagStore<Database extends Preparing = Preparing> {
  readonly #database: Database;
  readonly #capacity: number;
  /** The statements by their SQL, the most recently used last. */
  readonly #statements = new Map<string, StatementSync>();

  /** @throws Error (ERR_ILLEGAL_CONSTRUCTOR) if a program calls it */
  private constructor(token: symbol, database: Database, capacity: number) {
    if (token !== own) throw illegalConstructor();
    this.#database = database;
    this.#capacity = capacity;
  }

  static {
    construct = (database, capacity) => new this(own, database, capacity);
  }

  /** Returns all rows. Errors are those of `DatabaseSync.prepare` and {@link StatementSync.all}. */
  all(strings: TemplateStringsArray, ...values: SupportedValueType[]): Row[] {
    return this.#statement(strings, values).all(...values);
  }

  /** Returns the first row, or undefined if there is none. */
  get(strings: TemplateStringsArray, ...values: SupportedValueType[]): Row | undefined {
    return this.#statement(strings, values).get(...values);
  }

  /** Iterates over the rows. */
  iterate(strings: TemplateStringsArray, ...values: SupportedValueType[]): RowIterator {
    return this.#statement(strings, values).iterate(...values);
  }

  /** Runs the statement and returns the number of changes. */
  run(strings: TemplateStringsArray, ...values: SupportedValueType[]): RunResult {
    return this.#statement(strings, values).run(...values);
  }

  /** Removes all statements from the store. */
  clear(): void {
    this.#statements.clear();
  }

  /** The number of statements in the store. */
  get size(): number {
    return this.#statements.size;
  }

  /** The maximum number of statements that the store keeps. */
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
    // The statement would treat an object as named parameters.
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

/** Implements `DatabaseSync.createTagStore`. */
export function makeTagStore<Database extends Preparing>(
  database: Database,
  maxSize: unknown,
): SQLTagStore<Database> {
  const message = 'The "maxSize" argument must be a positive integer.';
  if (typeof maxSize !== 'number') throw invalidType(message);
  if (!isInt32(maxSize) || maxSize < 1) throw outOfRange(message);
  return construct(database, maxSize);
}
