/** Queries that the host runs for itself. */

import { SQLITE_DONE, SQLITE_NOMEM, SQLITE_ROW } from '../core/constants.js';
import { cellSize, readCell } from './cells.js';
import type { Connection } from './connection.js';
import { onlyReads } from './statement-rules.js';
import type { SqlValue } from './values.js';

/**
 * Runs one statement and returns all its rows, with integers as bigint. If the statement calls a user's function that
 * throws, that exception is rethrown.
 *
 * @throws SqliteError
 */
export function query(connection: Connection, sql: string, ...params: (string | bigint)[]): SqlValue[][] {
  const { engine, db } = connection;
  const { c, memory } = engine.core;
  using arena = memory.arena();
  const out = arena.allocate(4);
  engine.check(db, c.sqlite3_prepare_v3(db, arena.cString(sql), -1, 0, out, 0));
  const statement = memory.pointerAt(out);
  try {
    for (const [index, value] of params.entries()) {
      if (typeof value === 'bigint') engine.check(db, c.sqlite3_bind_int64(statement, index + 1, value));
      else {
        const { pointer, length } = arena.text(value);
        engine.check(db, c.bridge_bind_text(statement, index + 1, pointer, length));
      }
    }
    const cells = arena.allocate(cellSize * Math.max(c.sqlite3_column_count(statement), 1));
    const rows: SqlValue[][] = [];
    for (;;) {
      const code = c.sqlite3_step(statement);
      if (code === SQLITE_DONE) return rows;
      if (code !== SQLITE_ROW) engine.check(db, code);
      const count = c.bridge_row(statement, cells);
      if (count < 0) throw engine.core.error(0, SQLITE_NOMEM);
      const row: SqlValue[] = [];
      for (let i = 0; i < count; i++) row.push(readCell(memory, cells + cellSize * i, true));
      rows.push(row);
    }
  } finally {
    c.sqlite3_finalize(statement);
  }
}

/** Whether `sql` is exactly one statement. The statement is compiled, not run. @throws SqliteError */
export function isOneStatement(connection: Connection, sql: string): boolean {
  const { engine, db } = connection;
  const { c, memory } = engine.core;
  using arena = memory.arena();
  const out = arena.allocate(8);
  const compile = (text: number): boolean => {
    engine.check(db, c.sqlite3_prepare_v3(db, text, -1, 0, out, out + 4));
    const statement = memory.pointerAt(out);
    c.sqlite3_finalize(statement);
    return statement !== 0;
  };
  return compile(arena.cString(sql)) && !compile(memory.pointerAt(out + 4));
}

/** Runs statements without a result. @throws SqliteError */
export function run(connection: Connection, sql: string): void {
  const { engine, db } = connection;
  using arena = engine.core.memory.arena();
  engine.check(db, engine.core.c.sqlite3_exec(db, arena.cString(sql), 0, 0, 0));
}

/** Runs the user's statements that the connection's rule allows, and discards their rows. @throws SqliteError */
export function runRuled(connection: Connection, sql: string): void {
  const { engine, db } = connection;
  const { core } = engine;
  const { c, memory } = core;
  using arena = memory.arena();
  const out = arena.allocate(8);
  let rest = arena.cString(sql);
  while (memory.bytes[rest] !== 0) {
    engine.check(db, c.sqlite3_prepare_v3(db, rest, -1, 0, out, out + 4));
    const statement = memory.pointerAt(out);
    rest = memory.pointerAt(out + 4);
    if (statement === 0) continue; // a comment
    try {
      connection.refuse(memory.cString(c.sqlite3_sql(statement)) ?? '', onlyReads(core, statement));
      let code = SQLITE_ROW;
      while (code === SQLITE_ROW) code = c.sqlite3_step(statement);
      if (code !== SQLITE_DONE) engine.check(db, code);
      engine.surface();
    } finally {
      c.sqlite3_finalize(statement);
    }
  }
}

export function numberPragma(connection: Connection, database: string, name: string): bigint {
  const [row] = query(connection, `PRAGMA ${quotedName(database)}.${name}`);
  return (row?.[0] ?? 0n) as bigint;
}

/** Quotes a name for SQL. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
