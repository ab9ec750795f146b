/** extensions/listargs.wasm: the arguments of a table-valued function. */

import { DatabaseSync } from 'sqlite-wasm-run';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

describe.each(['direct', 'linked', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  beforeAll(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db = new DatabaseSync(':memory:', { allowExtension: true });
    db.loadExtension('extensions/listargs.wasm');
  });
  afterAll(() => {
    delete process.env.SQLITE_WASM_RUN_CALLS;
    db.close();
  });

  const rows = (sql: string, ...params: (string | number | null)[]): unknown[][] =>
    db
      .prepare(sql)
      .all(...params)
      .map((row) => Object.values(row));

  test('one row for each argument, with every kind of value', () => {
    expect(rows("SELECT * FROM listargs('a', 2.5, NULL, 7, x'00ff', '')")).toEqual([
      [1, 'a', 'text'],
      [2, 2.5, 'real'],
      [3, null, 'null'],
      [4, 7, 'integer'],
      [5, new Uint8Array([0, 255]), 'blob'],
      [6, '', 'text'],
    ]);
    expect(rows('SELECT * FROM listargs')).toEqual([]);
    expect(rows('SELECT * FROM listargs()')).toEqual([]);
    expect(rows('SELECT value FROM listargs(?, ?)', 'x', 1)).toEqual([['x'], [1]]);
  });

  test('at most sixteen arguments', () => {
    const args = (count: number): string => Array.from({ length: count }, (_arg, i) => i + 1).join(',');
    expect(rows(`SELECT count(*), sum(value) FROM listargs(${args(16)})`)).toEqual([[16, 136]]);
    expect(() => rows(`SELECT * FROM listargs(${args(17)})`)).toThrow(/too many arguments on listargs\(\)/);
  });

  test('arguments are hidden columns: given by WHERE, left out, read back', () => {
    expect(rows('SELECT * FROM listargs WHERE arg3 = 5 AND arg1 = 4')).toEqual([
      [1, 4, 'integer'],
      [3, 5, 'integer'],
    ]);
    expect(rows("SELECT rowid, arg1, arg2, arg16 FROM listargs('p', 'q')")).toEqual([
      [1, 'p', 'q', null],
      [2, 'p', 'q', null],
    ]);
    expect(rows('SELECT position FROM listargs(8, 9) WHERE value = 9')).toEqual([[2]]);
    expect(rows('SELECT arg1, position FROM listargs WHERE arg1 IN (1, 2)')).toEqual([
      [1, 1],
      [2, 1],
    ]);
  });

  test('arguments come from other tables, in any order of the join', () => {
    db.exec("CREATE TEMP TABLE t(a, b); INSERT INTO t VALUES (1, 'x'), (2, 'y')");
    const wanted = [
      [1, 1, 1],
      [1, 2, 'x'],
      [2, 1, 2],
      [2, 2, 'y'],
    ];
    expect(rows('SELECT a, position, value FROM t, listargs(t.a, t.b) ORDER BY 1, 2')).toEqual(wanted);
    expect(rows('SELECT a, position, value FROM listargs(t.a, t.b), t ORDER BY 1, 2')).toEqual(wanted);
  });
});
