/** Virtual tables of components: modules by name, tables and cursors by number. */

import { SQLITE_ERROR, SQLITE_INDEX_SCAN_UNIQUE, SQLITE_OK } from '../core/constants.js';
import { SqliteError } from '../core/errors.js';
import type { TableModule } from '../core/host.js';
import type { Connection } from '../db/engine.js';
import { query, quotedName, run } from '../db/query.js';
import { readValue } from '../db/values.js';
import type {
  IndexPlan,
  IndexQuery,
  ModuleFlags,
  ModuleSpec,
  Functions as VirtualTable,
} from '../interfaces/generated/virtual-table.js';
import type { ConflictMode, Functions as WritableTable } from '../interfaces/generated/writable-table.js';
import type { WitError } from '../interfaces/guest.js';
import { type Component, payloadOf } from './component.js';
import { directScans, type Scans, wrappedScans } from './scans.js';
import { toWit, toWitList } from './sql-values.js';

/** A component's tables, as one instance of it has them. */
interface Instance {
  readonly component: Component;
  readonly tables: VirtualTable;
  readonly writable: WritableTable | undefined;
  readonly scans: Scans;
}

interface Table {
  readonly instance: Instance;
  /** The component's number of it. */
  readonly number: number;
  readonly columns: number;
  readonly name: string;
}

interface Cursor {
  readonly table: Table;
  readonly number: number;
}

const flagBits: Readonly<Record<keyof ModuleFlags, number>> = {
  eponymous: 1,
  creatable: 2,
  directOnly: 4,
  innocuous: 8,
  writable: 16,
  transactional: 32,
  savepoints: 64,
};

/** One module of a connection; loading the component again puts the new instance here. */
interface Slot {
  instance: Instance;
  spec: ModuleSpec;
}

const slots = new WeakMap<Connection, Map<string, Slot>>();

/** Registers the modules of a component; none where a description is refused. */
export function registerTables(component: Component, path: string): void {
  const tables = component.interface<VirtualTable>('virtual-table');
  if (!tables) return;
  const { connection } = component;
  const { engine, db } = connection;
  const writable = component.interface<WritableTable>('writable-table');
  const specs = component.described(path, () => tables.describe());
  for (const spec of specs) checkModule(component, spec, writable !== undefined);
  const core = component.core('virtual-table');
  const scans = core ? directScans(engine, core) : wrappedScans(engine, tables);
  const instance: Instance = { component, tables, writable, scans };
  const known = slots.get(connection) ?? new Map<string, Slot>();
  slots.set(connection, known);
  for (const spec of specs) {
    const options = optionsOf(spec.options);
    const shadows = spec.shadowNames.map((suffix) => `${suffix}\n`).join('');
    const key = `${spec.name.toLowerCase()}/${options}/${shadows}`;
    const there = known.get(key);
    if (there) {
      Object.assign(there, { instance, spec });
      continue;
    }
    const slot: Slot = { instance, spec };
    const id = engine.register({
      module: new ComponentModule(connection, slot),
      destroyed() {
        if (known.get(key) === slot) known.delete(key);
      },
    });
    known.set(key, slot);
    using arena = engine.core.memory.arena();
    const { c } = engine.core;
    const code = c.bridge_create_module(db, arena.cString(spec.name), id, options, arena.cString(shadows));
    engine.check(db, code);
  }
}

function optionsOf(flags: ModuleFlags): number {
  let options = 0;
  for (const [name, bit] of Object.entries(flagBits)) if (flags[name as keyof ModuleFlags]) options |= bit;
  return options;
}

function checkModule(component: Component, spec: ModuleSpec, writable: boolean): void {
  const where = `component ${component.name} describes module ${JSON.stringify(spec.name)}`;
  const { options } = spec;
  if (spec.name === '' || spec.name.includes('\0')) throw new Error(`${where}, which is no name`);
  if (!options.eponymous && !options.creatable) {
    throw new Error(`${where} as neither eponymous nor creatable: nobody could use it`);
  }
  if ((options.writable || options.transactional || options.savepoints) && !writable) {
    throw new Error(`${where} as writable or transactional, but exports no writable-table`);
  }
  if (spec.shadowNames.some((suffix) => !/^\w+$/.test(suffix))) {
    throw new Error(`${where} with a suffix of shadow tables that is no word`);
  }
}

/** The columns of a declared table, counted by SQLite itself, once for each declaration. */
const counted = new Map<string, number>();

const conflictModes: readonly ConflictMode[] = ['rollback', 'ignore', 'fail', 'abort', 'replace'];

class ComponentModule implements TableModule {
  readonly #connection: Connection;
  readonly #slot: Slot;
  readonly #tables = new Map<number, Table>();
  readonly #cursors = new Map<number, Cursor>();
  #last = 0;

  constructor(connection: Connection, slot: Slot) {
    this.#connection = connection;
    this.#slot = slot;
  }

  connect(db: number, create: boolean, args: readonly string[]): { table: number; columns: number } {
    const { instance, spec } = this.#slot;
    const [, database = '', name = '', ...given] = args;
    const made = this.#ask(instance, spec.name, () =>
      instance.tables.connect(spec.id, create ? 'create' : 'connect', [database, name, ...given]),
    );
    const { engine } = this.#connection;
    try {
      using arena = engine.core.memory.arena();
      engine.check(db, engine.core.c.sqlite3_declare_vtab(db, arena.cString(made.declaration)));
      const columns = this.#count(made.declaration);
      const table = ++this.#last;
      this.#tables.set(table, { instance, number: made.table, columns, name: name || spec.name });
      return { table, columns };
    } catch (error) {
      instance.component.guard(spec.name, () => instance.tables.disconnect(made.table));
      throw new SqliteError(
        `component ${instance.component.name} declares a table that SQLite refuses: ${(error as Error).message}`,
        SQLITE_ERROR,
        engine.core.errorText(SQLITE_ERROR),
      );
    }
  }

  disconnect(table: number): void {
    const found = this.#tables.get(table);
    this.#tables.delete(table);
    if (found) this.#quietly(found.instance, () => found.instance.tables.disconnect(found.number));
  }

  destroy(table: number): void {
    const { instance, number, name } = this.#table(table);
    if (instance.component.alive) this.#ask(instance, name, () => instance.tables.destroy(number));
    this.#tables.delete(table);
  }

  bestIndex(table: number, info: number): boolean {
    const { instance, number, name } = this.#table(table);
    const asked = readQuery(this.#connection, info);
    const plan = this.#connection.within('best-index', () =>
      this.#ask(instance, name, () => instance.tables.bestIndex(number, asked)),
    );
    if (!plan) return false;
    writePlan(this.#connection, info, asked, plan, name);
    return true;
  }

  open(table: number): number {
    const found = this.#table(table);
    const { instance, number, name } = found;
    const made = this.#ask(instance, name, () => instance.tables.open(number));
    const cursor = ++this.#last;
    this.#cursors.set(cursor, { table: found, number: made });
    return cursor;
  }

  close(cursor: number): void {
    const found = this.#cursors.get(cursor);
    this.#cursors.delete(cursor);
    if (found) this.#quietly(found.table.instance, () => found.table.instance.tables.close(found.number));
  }

  filter(
    cursor: number,
    batch: number,
    plan: number,
    text: string,
    count: number,
    values: number,
    ask: number,
  ): void {
    const { table, number } = this.#cursor(cursor);
    const { scans, component } = table.instance;
    const bar = text.indexOf('|');
    const lists = text.slice(0, bar).split(',').filter(Boolean).map(Number);
    const request = { cursor: number, plan, text: text.slice(bar + 1), lists, count, values, ask };
    const error = component.guard(table.name, () => scans.filter(request, batch, table.columns));
    if (error) throw failure(error);
  }

  fetch(cursor: number, batch: number, ask: number): void {
    const { table, number } = this.#cursor(cursor);
    const { scans, component } = table.instance;
    const error = component.guard(table.name, () => scans.fetch(number, ask, batch, table.columns));
    if (error) throw failure(error);
  }

  update(table: number, count: number, values: number): bigint | undefined {
    const { instance, number, name } = this.#table(table);
    const { core } = this.#connection.engine;
    const writable = this.#writable(instance);
    const mode = conflictModes[core.c.sqlite3_vtab_on_conflict(this.#connection.db) - 1] ?? 'abort';
    const at = (i: number): unknown => readValue(core, core.memory.pointerAt(values + 4 * i));
    const old = at(0) as bigint | null;
    if (count === 1) {
      this.#ask(instance, name, () => writable.delete(number, old ?? 0n));
      return undefined;
    }
    const fresh = at(1) as bigint | null;
    const row = toWitList(core, count - 2, values + 8);
    if (old === null) {
      return this.#ask(instance, name, () => writable.insert(number, fresh ?? undefined, row, mode));
    }
    this.#ask(instance, name, () => writable.update(number, old, fresh ?? old, row, mode));
    return undefined;
  }

  transaction(table: number, what: number, savepoint: number): void {
    const { instance, number, name } = this.#table(table);
    const writable = this.#writable(instance);
    const actions = [
      () => writable.begin(number),
      () => writable.sync(number),
      () => writable.commit(number),
      () => writable.rollback(number),
      () => writable.savepoint(number, savepoint),
      () => writable.release(number, savepoint),
      () => writable.rollbackTo(number, savepoint),
    ];
    if (what === 3 && !instance.component.alive) return; // it can be rolled back without the component
    this.#ask(instance, name, actions[what] ?? (() => undefined));
  }

  rename(table: number, fresh: string): void {
    const { instance, number, name } = this.#table(table);
    this.#ask(instance, name, () => this.#writable(instance).rename(number, fresh));
  }

  integrity(table: number, quick: boolean): string | undefined {
    const { instance, number, name } = this.#table(table);
    return this.#ask(instance, name, () => this.#writable(instance).integrity(number, quick));
  }

  /** Calls the component through jco's wrappers; its own errors are thrown as SQLite's. */
  #ask<T>(instance: Instance, name: string, action: () => T): T {
    let failed: WitError | undefined;
    const result = instance.component.guard(name, () => {
      try {
        return action();
      } catch (error) {
        failed = payloadOf(error);
        return undefined;
      }
    });
    if (failed) throw failure(failed);
    return result as T;
  }

  /** Calls what cannot fail: a trap is noted, and met by whoever calls next. */
  #quietly({ component }: Instance, action: () => void): void {
    if (!component.alive) return;
    try {
      component.guard('a table', action);
    } catch {
      // the component is marked dead
    }
  }

  #table(table: number): Table {
    const found = this.#tables.get(table);
    if (!found) throw new Error(`there is no table ${table}`);
    return found;
  }

  #cursor(cursor: number): Cursor {
    const found = this.#cursors.get(cursor);
    if (!found) throw new Error(`there is no cursor ${cursor}`);
    return found;
  }

  #writable(instance: Instance): WritableTable {
    if (!instance.writable) throw new Error('the component exports no writable-table');
    return instance.writable;
  }

  #count(declaration: string): number {
    let columns = counted.get(declaration);
    if (columns === undefined) {
      columns = countColumns(this.#connection, declaration);
      counted.set(declaration, columns);
    }
    return columns;
  }
}

/** Lets SQLite make the table in a database of its own. A rowid table has all columns that a virtual one has. */
function countColumns({ engine }: Connection, declaration: string): number {
  const { c, memory } = engine.core;
  using arena = memory.arena();
  const out = arena.allocate(4);
  const code = c.bridge_open(arena.cString(':memory:'), out, 6, arena.cString('node-none'));
  const db = memory.pointerAt(out);
  try {
    engine.check(db, code);
    const scratch = engine.connection(db);
    run(scratch, declaration.replace(/^\s*CREATE\s+(?:VIRTUAL\s+)?TABLE\s/i, 'CREATE TABLE '));
    const [name] = query(scratch, "SELECT name FROM sqlite_schema WHERE type='table'")[0] ?? [];
    return query(scratch, `SELECT * FROM pragma_table_xinfo(${quotedName(String(name))})`).length;
  } finally {
    c.sqlite3_close_v2(db);
  }
}

function failure({ code, extendedCode, message }: WitError): SqliteError {
  const known = extendedCode || code;
  return new SqliteError(message, known === SQLITE_OK ? SQLITE_ERROR : known, message);
}

// struct sqlite3_index_info, as wasm32 lays it out.
const info = {
  constraintCount: 0,
  constraints: 4, // of 12 bytes: int column, u8 op, u8 usable
  orderCount: 8,
  orders: 12, // of 8 bytes: int column, u8 descending
  usages: 16, // of 8 bytes: int argument, u8 omit
  number: 20,
  text: 24,
  freeText: 28,
  ordered: 32,
  cost: 40,
  rows: 48,
  flags: 56,
  columnsUsed: 64,
} as const;

const equal = 2; // SQLITE_INDEX_CONSTRAINT_EQ

function readQuery({ engine }: Connection, at: number): IndexQuery {
  const { c, memory } = engine.core;
  using arena = memory.arena();
  const out = arena.allocate(4);
  const { view } = memory;
  const asked: IndexQuery = {
    constraints: [],
    orderBy: [],
    distinct: c.sqlite3_vtab_distinct(at),
    columnsUsed: view.getBigUint64(at + info.columnsUsed, true),
  };
  const constraints = memory.pointerAt(at + info.constraints);
  for (let i = 0; i < view.getInt32(at + info.constraintCount, true); i++) {
    const one = constraints + 12 * i;
    const op = view.getUint8(one + 4);
    const usable = view.getUint8(one + 5) !== 0;
    const known = c.sqlite3_vtab_rhs_value(at, i, out) === SQLITE_OK && memory.pointerAt(out) !== 0;
    asked.constraints.push({
      column: view.getInt32(one, true),
      op,
      usable,
      isIn: usable && op === equal && c.sqlite3_vtab_in(at, i, -1) !== 0,
      ...(known && { value: toWit(readValue(engine.core, memory.pointerAt(out))) }),
    });
  }
  const orders = memory.pointerAt(at + info.orders);
  for (let i = 0; i < view.getInt32(at + info.orderCount, true); i++) {
    const one = orders + 8 * i;
    asked.orderBy.push({ column: view.getInt32(one, true), descending: view.getUint8(one + 4) !== 0 });
  }
  return asked;
}

/** The plan's text goes in front of which arguments are lists: `2,3|text`. */
function writePlan(
  { engine }: Connection,
  at: number,
  asked: IndexQuery,
  plan: IndexPlan,
  name: string,
): void {
  const { c, memory } = engine.core;
  const wrong = (what: string): SqliteError =>
    new SqliteError(
      `${name}: the component's plan ${what}`,
      SQLITE_ERROR,
      engine.core.errorText(SQLITE_ERROR),
    );
  const { constraints } = asked;
  const taken = plan.usages.filter(({ argument }) => argument > 0).map(({ argument }) => argument);
  if (plan.usages.length > constraints.length) throw wrong('uses more constraints than there are');
  if (new Set(taken).size !== taken.length || taken.some((argument) => argument > taken.length)) {
    throw wrong('does not number its arguments from 1 on');
  }
  const usages = memory.pointerAt(at + info.usages);
  const lists: number[] = [];
  plan.usages.forEach(({ argument, omit, allAtOnce }, i) => {
    if (argument === 0) return;
    if (!constraints[i]?.usable) throw wrong(`uses constraint ${i}, which cannot be used`);
    if (allAtOnce) {
      if (!constraints[i]?.isIn) throw wrong(`wants the values of constraint ${i} at once, which is no IN`);
      c.sqlite3_vtab_in(at, i, 1);
      lists.push(argument - 1);
    }
    memory.view.setInt32(usages + 8 * i, argument, true);
    memory.view.setUint8(usages + 8 * i + 4, Number(omit));
  });
  const text = memory.allocateText(`${lists.join()}|${plan.text}`);
  const { view } = memory;
  view.setInt32(at + info.number, plan.number, true);
  view.setUint32(at + info.text, text, true);
  view.setInt32(at + info.freeText, 1, true);
  view.setInt32(at + info.ordered, Number(plan.ordered), true);
  view.setFloat64(at + info.cost, plan.cost, true);
  view.setBigInt64(at + info.rows, plan.rows > 2n ** 62n ? 2n ** 62n : plan.rows, true);
  if (plan.unique) view.setInt32(at + info.flags, SQLITE_INDEX_SCAN_UNIQUE, true);
}
