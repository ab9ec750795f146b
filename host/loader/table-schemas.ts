/** Checks a component's descriptions of its modules and tables before they are passed to SQLite. */

import type { ModuleFlags, ModuleSpec } from '../abi/generated/virtual-table.js';
import * as constants from '../core/constants.js';
import { type SqliteError, sqliteError } from '../core/errors.js';
import { shown, shownName } from '../core/shown.js';
import { type Connection, connectionAt } from '../kernel/connection.js';
import { query, quotedName } from '../kernel/query.js';
import type { Component } from './component.js';

const flagBits: Readonly<Record<keyof ModuleFlags, number>> = {
  eponymous: constants.MODULE_EPONYMOUS,
  creatable: constants.MODULE_CREATABLE,
  directOnly: constants.MODULE_DIRECT_ONLY,
  innocuous: constants.MODULE_INNOCUOUS,
  writable: constants.MODULE_WRITABLE,
  transactional: constants.MODULE_TRANSACTIONAL,
  savepoints: constants.MODULE_SAVEPOINTS,
};

/** Converts a module's flags to the form of the core. */
export function optionsOf(flags: ModuleFlags): number {
  let options = 0;
  for (const [name, bit] of Object.entries(flagBits)) if (flags[name as keyof ModuleFlags]) options |= bit;
  return options;
}

/** Converts a module's suffixes of shadow tables to the form of the core. */
export function shadowsOf(spec: ModuleSpec): string {
  return spec.shadowNames.map((suffix) => `${suffix}\n`).join('');
}

/**
 * @param writable whether the component exports `writable-table`
 * @throws Error if a module is invalid, or if two modules have the same name
 */
export function checkModules(component: Component, specs: readonly ModuleSpec[], writable: boolean): void {
  const names = new Set<string>();
  for (const spec of specs) {
    const { name, options } = spec;
    const where = `component ${shownName(component.name)} describes module ${shownName(JSON.stringify(name))}`;
    if (name === '' || name.includes('\0')) throw new Error(`${where}, which is not a valid name`);
    if (names.has(name.toLowerCase())) throw new Error(`${where} twice`);
    names.add(name.toLowerCase());
    if (!options.eponymous && !options.creatable) {
      throw new Error(`${where} as neither eponymous nor creatable, so it could not be used`);
    }
    if (options.directOnly && options.innocuous) {
      throw new Error(`${where} as both direct-only and innocuous`);
    }
    if ((options.writable || options.transactional || options.savepoints) && !writable) {
      throw new Error(`${where} as writable or transactional, but does not export writable-table`);
    }
    if (spec.shadowNames.some((suffix) => !/^\w+$/.test(suffix))) {
      throw new Error(`${where} with a suffix of shadow tables that is not a word`);
    }
  }
}

/** The properties of a declared table. */
export interface Shape {
  readonly columns: number;
  /** The collation of each column, in lower case; undefined for a HIDDEN column, which is a parameter. */
  readonly collations: readonly (string | undefined)[];
  readonly rowids: boolean;
}

/** The maximum number of cached declarations. */
const mostKnown = 200;
const known = new Map<string, Shape>();

/**
 * Declares the table whose xCreate or xConnect is running, and returns the table's properties.
 *
 * C: `sqlite3_declare_vtab`
 *
 * @throws SqliteError if SQLite refuses the declaration, or if components' modules do not support it
 */
export function declare(connection: Connection, db: number, declaration: string, writable: boolean): Shape {
  const { engine } = connection;
  const { c, memory } = engine.core;
  using arena = memory.arena();
  if (declaration.includes('\0')) throw refused('it contains U+0000');
  try {
    engine.check(db, c.sqlite3_declare_vtab(db, arena.cString(declaration)));
    let found = known.get(declaration);
    if (!found) {
      found = made(connection, declaration);
      if (known.size >= mostKnown) known.clear();
      known.set(declaration, found);
    }
    if (writable && !found.rowids) throw new Error('a writable table must have rowids');
    return found;
  } catch (error) {
    throw refused((error as Error).message);
  }
}

function refused(why: string): SqliteError {
  return sqliteError(constants.SQLITE_ERROR, `the component declares an invalid table: ${shown(why)}`);
}

/**
 * Creates the table in a separate database to read its columns, because a rowid table has all columns that a virtual
 * table has.
 */
function made({ engine }: Connection, declaration: string): Shape {
  const { c, memory } = engine.core;
  using arena = memory.arena();
  const out = arena.allocate(4);
  const code = c.bridge_open(arena.cString(':memory:'), out, 6, arena.cString('node-none'));
  const db = memory.pointerAt(out);
  try {
    engine.check(db, code);
    const scratch = connectionAt(engine, db);
    query(scratch, declaration);
    const [[name, withoutRowid] = []] = query(
      scratch,
      "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    );
    if (typeof name !== 'string') throw new Error('it is not a CREATE TABLE');
    const columns = query(scratch, `SELECT name, type FROM pragma_table_xinfo(${quotedName(name)})`);
    const table = arena.cString(name);
    const collations = columns.map(([column, type]) => {
      if (/\bhidden\b/i.test(String(type))) return undefined;
      using names = memory.arena();
      const found = names.allocate(4);
      const asked = names.cString(String(column));
      engine.check(db, c.sqlite3_table_column_metadata(db, 0, table, asked, 0, found, 0, 0, 0));
      return memory.cString(memory.pointerAt(found))?.toLowerCase();
    });
    return { columns: columns.length, collations, rowids: withoutRowid === 0n };
  } finally {
    c.sqlite3_close_v2(db);
  }
}
