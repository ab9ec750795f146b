/** A module of virtual tables, which SQLite calls. Its numbered tables and cursors belong to component instances. */

import type { ModuleSpec, Functions as VirtualTable } from '../abi/generated/virtual-table.js';
import type { Functions as WritableTable } from '../abi/generated/writable-table.js';
import type { WitError } from '../abi/results.js';
import {
  CAPTURE_ROLLBACK,
  SQLITE_ABORT_ROLLBACK,
  SQLITE_DONE,
  SQLITE_ERROR,
  SQLITE_FLOAT,
  SQLITE_INTEGER,
  SQLITE_LOCKED,
  SQLITE_MISMATCH,
  SQLITE_NULL,
  SQLITE_OK,
  SQLITE_ROW,
  SQLITE_TEXT,
} from '../core/constants.js';
import { type SqliteError, sqliteError } from '../core/errors.js';
import type { TableModule } from '../core/host-services.js';
import { shown, shownName } from '../core/shown.js';
import { confinementOf } from '../kernel/confinement.js';
import type { Connection } from '../kernel/connection.js';
import { tableShape } from '../kernel/schema.js';
import { type SchemaListener, schemaListeners } from '../kernel/schema-statements.js';
import { type Component, payloadOf } from './component.js';
import type { Scans } from './scans.js';
import type { Changes } from './table-changes.js';
import { readPlanText, readQuery, writePlan } from './table-plans.js';
import { declare, type Shape } from './table-schemas.js';
import { step, type Told, Transaction } from './table-transactions.js';

/** The table interfaces of a component instance. */
export interface Instance {
  readonly component: Component;
  readonly tables: VirtualTable;
  readonly scans: Scans;
  /** Undefined if the component does not export `writable-table`. */
  readonly writing: { readonly table: WritableTable; readonly changes: Changes } | undefined;
}

interface Table {
  instance: Instance;
  /** The number of the table in the component instance. */
  number: number;
  readonly name: string;
  readonly shape: Shape;
  readonly declaration: string;
  /** The arguments of `connect`. */
  readonly args: string[];
  readonly eponymous: boolean;
  /** The number of open scans. */
  cursors: number;
  readonly transactional: boolean;
  readonly transaction: Transaction;
  /** The number of nested calls of the instance that are running for the table. */
  running: number;
}

interface Cursor {
  readonly table: Table;
  readonly instance: Instance;
  readonly number: number;
}

/** A module of a connection. Loading the component again stores the new instance here. */
export interface Slot {
  instance: Instance;
  spec: ModuleSpec;
  /** The properties with which the module was registered. A module with other properties must be registered again. */
  readonly shape: string;
}

export class ComponentModule implements TableModule {
  readonly #connection: Connection;
  readonly #slot: Slot;
  readonly #tables = new Map<number, Table>();
  readonly #cursors = new Map<number, Cursor>();
  readonly #statements: SchemaListener = {
    before() {},
    after: (kind, code) => this.#undone(kind, code),
    attempt: (action) => this.#attempt(action),
  };
  #last = 0;

  constructor(connection: Connection, slot: Slot) {
    this.#connection = connection;
    this.#slot = slot;
  }

  connect(db: number, create: boolean, given: readonly string[]): { table: number; columns: number } {
    const { instance, spec } = this.#slot;
    const [module = '', ...args] = given;
    const made = this.#ask(instance, spec.name, () =>
      instance.tables.connect(spec.id, create ? 'create' : 'connect', args),
    );
    try {
      const { declaration } = made;
      const shape = declare(this.#connection, db, declaration, spec.options.writable ?? false);
      const transactional = spec.options.transactional || spec.options.savepoints || false;
      const table = ++this.#last;
      this.#tables.set(table, {
        instance,
        number: made.table,
        name: args[1] ?? spec.name,
        shape,
        declaration,
        args,
        eponymous: (spec.options.eponymous ?? false) && args.length === 2 && args[1] === module,
        cursors: 0,
        running: 0,
        transactional,
        transaction: new Transaction(create && transactional),
      });
      if (create && transactional) schemaListeners(this.#connection).add(this.#statements);
      return { table, columns: shape.columns };
    } catch (error) {
      this.#letGo(instance, () => instance.tables.disconnect(made.table));
      throw error;
    }
  }

  disconnect(table: number): void {
    const found = this.#tables.get(table);
    this.#tables.delete(table);
    if (found) this.#letGo(found.instance, () => found.instance.tables.disconnect(found.number));
  }

  destroy(table: number): void {
    const found = this.#table(table);
    const { instance, number, name, running } = found;
    if (running > 0) this.#kept(() => this.#refuseDrop(name));
    // A table whose component has trapped can still be dropped, because only its row in the schema must be deleted.
    if (instance.component.alive) {
      this.#kept(() =>
        this.#during(found, () => this.#ask(instance, name, () => instance.tables.destroy(number))),
      );
    }
    this.#tables.delete(table);
  }

  bestIndex(table: number, info: number): boolean {
    const { instance, number, name, shape } = this.#table(table);
    const asked = readQuery(this.#connection, info, shape.collations);
    try {
      const plan = this.#connection.within('best-index', () =>
        this.#kept(() => this.#ask(instance, name, () => instance.tables.bestIndex(number, asked))),
      );
      if (plan) writePlan(this.#connection, info, asked, plan, name);
      return plan !== undefined;
    } catch (error) {
      // An error code must not reach SQLite here, because SQLITE_CONSTRAINT means that there is no plan.
      throw new Error((error as Error).message);
    }
  }

  open(table: number): number {
    const found = this.#table(table);
    const { instance, number, name } = found;
    const made = this.#during(found, () => this.#ask(instance, name, () => instance.tables.open(number)));
    const cursor = ++this.#last;
    this.#cursors.set(cursor, { table: found, instance, number: made });
    found.cursors++;
    return cursor;
  }

  close(cursor: number): void {
    const found = this.#cursors.get(cursor);
    if (!found) return;
    this.#cursors.delete(cursor);
    found.table.cursors--;
    if (found.instance.component.alive) {
      this.#quietly(found.instance, () => found.instance.tables.close(found.number));
    }
  }

  filter(
    cursor: number,
    batch: number,
    plan: number,
    planText: string,
    count: number,
    values: number,
    ask: number,
  ): void {
    const { table, instance, number } = this.#cursor(cursor);
    const { lists, text } = readPlanText(planText);
    const request = { cursor: number, plan, text, lists, count, values, ask };
    const error = instance.component.guard(table.name, () =>
      instance.scans.filter(request, batch, table.shape.columns),
    );
    if (error) throw this.#failure(error);
  }

  fetch(cursor: number, batch: number, ask: number): void {
    const { table, instance, number } = this.#cursor(cursor);
    const error = instance.component.guard(table.name, () =>
      instance.scans.fetch(number, ask, batch, table.shape.columns),
    );
    if (error) throw this.#failure(error);
  }

  update(table: number, count: number, values: number): bigint | undefined {
    const found = this.#table(table);
    return this.#during(found, () => this.#change(found, count, values));
  }

  #change(found: Table, count: number, values: number): bigint | undefined {
    const { instance, number, name } = found;
    // SQL that ran during the statement has rolled back the transaction.
    if (found.transactional && !found.transaction.open) throw sqliteError(SQLITE_ABORT_ROLLBACK);
    const { c, memory } = this.#connection.engine.core;
    const { changes } = this.#writing(instance);
    const { component } = instance;
    const rowid = (i: number): bigint | undefined => this.#rowid(memory.pointerAt(values + 4 * i));
    const old = rowid(0);
    if (count === 1) {
      if (old === undefined) throw sqliteError(SQLITE_MISMATCH);
      this.#done(component.guard(name, () => changes.delete(number, old)));
      return undefined;
    }
    const fresh = rowid(1);
    const mode = c.sqlite3_vtab_on_conflict(this.#connection.db) - 1;
    if (old === undefined) {
      const made = component.guard(name, () => changes.insert(number, fresh, count - 2, values + 8, mode));
      if (typeof made !== 'bigint') throw this.#failure(made);
      return made;
    }
    if (fresh === undefined) throw sqliteError(SQLITE_MISMATCH);
    this.#done(component.guard(name, () => changes.update(number, old, fresh, count - 2, values + 8, mode)));
    return undefined;
  }

  transaction(table: number, what: number, savepoint: number): void {
    const found = what === step.begin ? this.#table(table) : this.#known(table);
    const { instance, number, name, transaction } = found;
    const ends = what === step.commit || what === step.rollback;
    const calls = transaction.calls(what, savepoint);
    if (ends) transaction.done(what, savepoint);
    // If the component has trapped, begin and sync report that. The other steps work without the component.
    if (!instance.component.alive && what !== step.begin && what !== step.sync) return;
    const { table: writable } = this.#writing(instance);
    const tell = (): void => {
      const { writing } = this.#connection;
      for (const [call, n] of calls) this.#ask(instance, name, () => this.#tell(writable, call, number, n));
      if (!ends && writing && !this.#connection.writing) throw sqliteError(SQLITE_ABORT_ROLLBACK);
    };
    this.#during(found, () => (what >= step.savepoint ? this.#kept(tell) : tell()));
    if (!ends) transaction.done(what, savepoint);
  }

  /**
   * Checks whether ROLLBACK TO has undone the CREATE of a new table, because SQLite does not report that to the table
   * unless a later savepoint exists.
   */
  #undone(kind: number, code: number): void {
    if (!this.#connection.inTransaction) {
      schemaListeners(this.#connection).delete(this.#statements);
    } else if (kind === CAPTURE_ROLLBACK && code === SQLITE_DONE) {
      for (const [table, { args, transaction }] of this.#tables) {
        const [database = '', name = ''] = args;
        if (!transaction.created || tableShape(this.#connection, database, name)) continue;
        this.#attempt(() => this.transaction(table, step.rollbackTo, -1));
      }
    }
  }

  /** Runs a call that cannot return an error to SQLite. If the component traps, the next call reports that. */
  #attempt(action: () => void): void {
    try {
      action();
    } catch {}
  }

  /**
   * Calls the component for a step of a transaction. In begin, commit and rollback the component may not run SQL,
   * because SQLite is using its list of participating tables, which SQL can change. In sync, its SQL may write but not
   * end the transaction.
   */
  #tell(writable: WritableTable, call: Told[0], table: number, savepoint: number): void {
    const action = (): void => writable[call](table, savepoint);
    if (call === 'begin') this.#connection.within(call, action);
    else if (call === 'commit' || call === 'rollback') {
      this.#connection.within(call, action, ['session.delete']);
    } else if (call === 'sync') confinementOf(this.#connection).withinCommit(call, action);
    else action();
  }

  rename(table: number, fresh: string): void {
    const found = this.#table(table);
    const { instance, number, name } = found;
    this.#during(found, () =>
      this.#ask(instance, name, () => this.#writing(instance).table.rename(number, fresh)),
    );
  }

  integrity(table: number, quick: boolean): string | undefined {
    const found = this.#table(table);
    const { instance, number, name } = found;
    return this.#kept(() =>
      this.#during(found, () =>
        this.#ask(instance, name, () => this.#writing(instance).table.integrity(number, quick)),
      ),
    );
  }

  /** Calls the component for a table, which its SQL may not drop until the call returns, because SQLite uses it. */
  #during<T>(table: Table, action: () => T): T {
    table.running += 1;
    try {
      return action();
    } finally {
      table.running -= 1;
    }
  }

  #refuseDrop(name: string): never {
    throw sqliteError(SQLITE_LOCKED, `${name} cannot be dropped while its component is being called for it`);
  }

  /** Keeps an exception for the caller, because SQLite accepts only an error code here, without a message. */
  #kept<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      this.#connection.engine.keep(error);
      throw error;
    }
  }

  /** Converts a value to a rowid, also a text or real number that represents an integer. Undefined for NULL. */
  #rowid(value: number): bigint | undefined {
    const { c } = this.#connection.engine.core;
    const given = c.sqlite3_value_type(value);
    if (given === SQLITE_NULL) return undefined;
    const type = given === SQLITE_TEXT ? c.sqlite3_value_numeric_type(value) : given;
    if (type === SQLITE_INTEGER) return c.sqlite3_value_int64(value);
    const real = type === SQLITE_FLOAT ? c.sqlite3_value_double(value) : Number.NaN;
    if (Number.isInteger(real) && Math.abs(real) < 2 ** 63) return BigInt(real);
    throw sqliteError(SQLITE_MISMATCH);
  }

  /** Calls the component through jco's wrappers, and throws the errors that it returns as SqliteError. */
  #ask<T>({ component }: Instance, name: string, action: () => T): T {
    let failed: WitError | undefined;
    const result = component.guard(name, () => {
      try {
        return action();
      } catch (error) {
        failed = payloadOf(error);
        return undefined;
      }
    });
    if (failed) throw this.#failure(failed);
    return result as T;
  }

  /** Calls the component in a callback that cannot return an error. If it traps, the next call reports that. */
  #quietly({ component }: Instance, action: () => void): void {
    try {
      component.guard('a table', action);
    } catch {
      // the component is marked as trapped
    }
  }

  /** Disconnects a table. The component may not run SQL meanwhile, because SQLite may be changing its schema. */
  #letGo(instance: Instance, disconnect: () => void): void {
    if (!instance.component.alive) return;
    this.#connection.within('disconnect', () => this.#quietly(instance, disconnect));
  }

  #done(error: WitError | undefined): void {
    if (error) throw this.#failure(error);
  }

  #known(table: number): Table {
    const found = this.#tables.get(table);
    if (!found) throw new Error(`unknown table ${table}`);
    return found;
  }

  /**
   * Returns a table. If its component was loaded again, the table may be connected to the new instance first: always if
   * the old instance has trapped, otherwise only if the table is eponymous and not being scanned. A created table stays
   * with the instance that has its data.
   */
  #table(table: number): Table {
    const found = this.#known(table);
    const { instance, spec } = this.#slot;
    if (found.instance === instance || found.transaction.open) return found;
    const { component } = found.instance;
    if (component.alive && (!found.eponymous || found.cursors > 0)) return found;
    const made = this.#connection.within('a component that takes over a table', () =>
      this.#ask(instance, found.name, () => instance.tables.connect(spec.id, 'connect', found.args)),
    );
    if (made.declaration !== found.declaration) {
      this.#letGo(instance, () => instance.tables.disconnect(made.table));
      throw sqliteError(
        SQLITE_ERROR,
        `${found.name}: component ${shownName(instance.component.name)} was loaded again and now declares a different table: ` +
          'open the database again',
      );
    }
    const { instance: old, number } = found;
    this.#letGo(old, () => old.tables.disconnect(number));
    found.instance = instance;
    found.number = made.table;
    return found;
  }

  #cursor(cursor: number): Cursor {
    const found = this.#cursors.get(cursor);
    if (!found) throw new Error(`unknown cursor ${cursor}`);
    return found;
  }

  #writing({ writing, component }: Instance): NonNullable<Instance['writing']> {
    if (!writing) throw new Error(`component ${shownName(component.name)} does not export writable-table`);
    return writing;
  }

  /** Converts an error that the component returned. If its code is not an error code, the code becomes SQLITE_ERROR. */
  #failure({ code, extendedCode, message }: WitError): SqliteError {
    const known = extendedCode || code;
    const primary = known & 0xff;
    const fails = known > 0 && known <= 0xffff && primary > SQLITE_OK && primary < SQLITE_ROW;
    const used = fails ? known : SQLITE_ERROR;
    return sqliteError(used, shown(message));
  }
}
