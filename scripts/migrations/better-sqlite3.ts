/** Wraps a database in the API of better-sqlite3, as far as query builders use it. */

import type { DatabaseSync, StatementSync } from 'sqlite-wasm-run';

interface Statement {
  readonly reader: boolean;
  all(...params: unknown[]): unknown[];
  get(...params: unknown[]): unknown;
  run(...params: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  raw(): Statement;
  safeIntegers(): Statement;
}

const spread = (params: unknown[]): unknown[] =>
  (params.length === 1 && Array.isArray(params[0]) ? (params[0] as unknown[]) : params).map((value) =>
    typeof value === 'boolean' ? Number(value) : value,
  );

function wrapped(statement: StatementSync): Statement {
  const own: Statement = {
    reader: statement.columns().length > 0,
    all: (...params) => statement.all(...spread(params)),
    get: (...params) => statement.get(...spread(params)),
    run: (...params) => statement.run(...spread(params)),
    raw: () => own,
    safeIntegers: () => own,
  };
  return own;
}

/** Returns a class that opens `database` for every path. */
export function betterSqlite3(database: DatabaseSync): new () => object {
  return class {
    readonly name = ':memory:';
    readonly open = true;
    prepare(sql: string): Statement {
      return wrapped(database.prepare(sql));
    }
    exec(sql: string): void {
      database.exec(sql);
    }
    pragma(sql: string): unknown[] {
      return database.prepare(`PRAGMA ${sql}`).all();
    }
    function(): void {}
    close(): void {}
  };
}
