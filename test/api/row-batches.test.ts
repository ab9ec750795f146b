/** all() reads many rows in one call. They must equal the rows of iterate(). */

import { inspect } from 'node:util';
import { DatabaseSync } from 'sqlite-wasm-run';
import { beforeEach, describe, expect, test } from 'vitest';

let db: DatabaseSync;
beforeEach(() => {
  db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE n(i INTEGER PRIMARY KEY)');
  db.exec(
    'WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<2000) INSERT INTO n SELECT i FROM c',
  );
});

const columns = {
  integers: 'i, -i AS b, i * 4000000000 AS c',
  reals: 'i / 3.0 AS a, 1e300 * i AS b, -0.0 AS c',
  'short texts': "'row ' || i AS a, '' AS b, char(i) AS c",
  'texts that are not ASCII': "'Zeile ' || i || ' ä' AS a, char(128512) || i AS b, char(0) || i AS c",
  'texts that do not fit in a batch': "printf('%.*c', (i % 7) * 9000, 'x') AS a, i AS b",
  'texts longer than a batch': "printf('%.*c', 20000 + i % 3, 'y') AS a",
  blobs: 'zeroblob(0) AS a, CAST(i AS BLOB) AS b, zeroblob(i % 50) AS c',
  'blobs and texts': "zeroblob(i % 3000) AS a, 'after ' || i AS b, CAST('x' || i AS BLOB) AS c",
  'nothing but NULL': 'NULL AS a, NULL AS b',
  'two columns of one name': "i AS a, 'second' || i AS a",
  'one column': 'i AS a',
  'more columns than a batch has cells for': Array.from({ length: 1500 }, (_, at) => `i+${at}`).join(', '),
  'columns for a few rows in a batch': Array.from({ length: 600 }, (_, at) => `'t' || (i+${at})`).join(', '),
};

describe.each(Object.entries(columns))('%s', (_, list) => {
  const limit = list.length > 5000 || list.includes('20000') ? 60 : 2000;
  const sql = `SELECT ${list} FROM n LIMIT ${limit}`;

  test('as objects', () => {
    const rows = db.prepare(sql).all();
    expect(rows).toHaveLength(limit);
    expect(rows).toEqual([...db.prepare(sql).iterate()]);
    expect(Object.getPrototypeOf(rows.at(-1))).toBe(null);
  });

  test('as arrays, with bigints', () => {
    const arrays = { returnArrays: true, readBigInts: true };
    expect(db.prepare(sql, arrays).all()).toEqual([...db.prepare(sql, arrays).iterate()]);
  });
});

test.each([16, 17, 18, 271, 272, 273, 529])('%i rows', (count) => {
  expect(db.prepare('SELECT i FROM n LIMIT ?').all(count)).toEqual(
    Array.from({ length: count }, (_, at) => ({ i: at + 1 })),
  );
});

test('a kept row does not change when others are read', () => {
  const first = db.prepare("SELECT i, 'text ' || i AS t, CAST(i AS BLOB) AS b FROM n").all();
  const copy = structuredClone(first.map((row) => ({ ...row })));
  db.prepare("SELECT -i, 'other ' || i AS t, CAST(-i AS BLOB) AS b FROM n").all();
  expect(first.map((row) => ({ ...row }))).toEqual(copy);
});

test('a function of the program that reads rows meanwhile, on this connection and another', () => {
  const other = new DatabaseSync(':memory:');
  other.exec('CREATE TABLE m(t)');
  const put = other.prepare('INSERT INTO m VALUES(?)');
  for (let i = 0; i < 100; i++) put.run(`other ${i}`);
  db.function('mine', () => db.prepare("SELECT 'inner ' || i AS t FROM n LIMIT 40").all().length);
  db.function('others', (i) => String(other.prepare('SELECT t FROM m').all()[Number(i) % 100]?.t));
  const rows = db.prepare("SELECT 'outer ' || i AS t, mine() AS m, others(i) AS o FROM n LIMIT 300").all();
  rows.forEach((row, at) => {
    expect({ ...row }).toEqual({ t: `outer ${at + 1}`, m: 40, o: `other ${(at + 1) % 100}` });
  });
  other.close();
});

test('an exception of a function at a row within a batch', () => {
  const thrown = new Error('at 100');
  db.function('fails', (i) => {
    if (i === 100) throw thrown;
    return i;
  });
  const statement = db.prepare('SELECT fails(i) AS f FROM n');
  expect(() => statement.all()).toThrow(thrown);
  expect(statement.get()).toEqual({ f: 1 });
  expect(db.prepare('SELECT i FROM n').all()).toHaveLength(2000);
});

test('an integer within a batch that does not fit in a number', () => {
  const statement = db.prepare('SELECT CASE i WHEN 50 THEN 9007199254740993 ELSE i END AS v FROM n');
  expect(() => statement.all()).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  expect(statement.get()).toEqual({ v: 1 });
  statement.setReadBigInts(true);
  expect(statement.all()[49]).toEqual({ v: 9007199254740993n });
});

const edges = [31n, 32n, 53n].flatMap((bits) =>
  [-1n, 0n, 1n].flatMap((by) => [(1n << bits) + by, -(1n << bits) + by]),
);
const safe = edges.filter((edge) => Number.isSafeInteger(Number(edge)));

test.each([0, 1, 2, 4, 31, 32, 33, 60, 300])(
  'integers next to powers of two, with %i other columns',
  (width) => {
    const others = Array.from({ length: width }, (_, at) => `, ${at} AS c${at}`).join('');
    const values = (of: bigint[]): string =>
      Array.from({ length: 3 }, () => of.map((v) => `(${v})`))
        .flat()
        .join();
    const numbers = db.prepare(`WITH v(i) AS (VALUES ${values(safe)}) SELECT i${others} FROM v`);
    const bigints = db.prepare(`WITH v(i) AS (VALUES ${values(edges)}) SELECT i${others} FROM v`, {
      readBigInts: true,
    });
    for (const rows of [numbers.all(), [...numbers.iterate()]]) {
      expect(rows.map(({ i }) => i)).toEqual([...safe, ...safe, ...safe].map(Number));
      expect(Object.keys(rows.at(-1) as object)).toHaveLength(width + 1);
      expect(Object.getPrototypeOf(rows.at(-1))).toBe(null);
    }
    expect(bigints.all().map(({ i }) => i)).toEqual([...edges, ...edges, ...edges]);
  },
);

test('integers and reals next to powers of two, as results of run', () => {
  db.exec('CREATE TABLE edges(id INTEGER PRIMARY KEY)');
  const put = db.prepare('INSERT INTO edges VALUES(?)');
  for (const edge of safe) expect(put.run(edge).lastInsertRowid).toBe(Number(edge));
});

test('an error of SQLite within a batch', () => {
  const statement = db.prepare("SELECT json_extract(CASE i WHEN 77 THEN '{' ELSE '1' END, '$') AS j FROM n");
  expect(() => statement.all()).toThrow(/malformed JSON/);
  expect(db.isTransaction).toBe(false);
  expect(statement.get()).toEqual({ j: 1 });
});

test('rows that a statement returns while it writes', () => {
  const rows = db.prepare('UPDATE n SET i = -i RETURNING i').all();
  expect(rows).toHaveLength(2000);
  expect(rows[1999]).toEqual({ i: -2000 });
  expect(db.prepare('SELECT count(*) AS c FROM n WHERE i < 0').get()).toEqual({ c: 2000 });
});

test('with plainRows, rows are ordinary objects, however they are read', () => {
  const plain = new DatabaseSync(':memory:', { plainRows: true });
  plain.exec('CREATE TABLE n(i)');
  const put = plain.prepare('INSERT INTO n VALUES(?)');
  for (let i = 1n; i <= 100n; i++) put.run(i);
  const sql = `SELECT i, 'text' || i AS t, i * 2 AS "__proto__" FROM n`;
  const statement = plain.prepare(sql);
  const rows = [...statement.all(), ...statement.iterate(), statement.get()];
  expect(rows).toHaveLength(201);
  for (const row of rows) {
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
    expect(Object.getOwnPropertyNames(row)).toEqual(['i', 't', '__proto__']);
  }
  expect(JSON.stringify(rows[99])).toBe('{"i":100,"t":"text100","__proto__":200}');
  const other = plain.prepare(sql, { plainRows: false }).all();
  expect(Object.getPrototypeOf(other[50])).toBe(null);
  plain.close();
});

test('rows and results of iterators have no prototype, and Node shows them as objects without one', () => {
  const statement = db.prepare(
    `SELECT i, 'second' AS "2", 'first' AS "1", i * 2 AS "__proto__", 3 AS i FROM n`,
  );
  const iterator = statement.iterate();
  const results = Array.from({ length: 100 }, () => iterator.next());
  iterator.return();
  const rows = [statement.get(), ...statement.all(), ...results.map((result) => result.value)];
  expect(rows).toHaveLength(2101);
  for (const row of rows as object[]) {
    expect(Object.getPrototypeOf(row)).toBe(null);
    expect(Object.keys(row)).toEqual(['1', '2', 'i', '__proto__']);
  }
  for (const row of [rows[0], rows[90], rows[2100]]) {
    expect(inspect(row)).toMatch(/^\[Object: null prototype\] \{\s+'1': 'first',\s+'2': 'second',\s+i: 3,/);
  }
  for (const result of [...results, statement.iterate().return()]) {
    expect(Object.getPrototypeOf(result)).toBe(null);
    expect(Object.keys(result)).toEqual(['done', 'value']);
  }
});

test('texts of every short length, with a character that is not ASCII at each place', () => {
  using db = new DatabaseSync(':memory:');
  const texts: string[] = [];
  for (let length = 0; length < 70; length++) {
    const text = 'abcdefghij'.repeat(7).slice(0, length);
    texts.push(text);
    for (let at = 0; at < length; at++) texts.push(`${text.slice(0, at)}é${text.slice(at + 1)}`);
  }
  db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, text, bytes)');
  const insert = db.prepare('INSERT INTO t(text, bytes) VALUES(?1, CAST(?1 AS BLOB))');
  for (const text of texts) insert.run(text);
  const read = db.prepare('SELECT text, bytes FROM t ORDER BY id', { returnArrays: true });
  const rows = read.all() as unknown as [text: string, bytes: Uint8Array][];
  expect(rows.map(([text]) => text)).toEqual(texts);
  expect(rows.map(([, bytes]) => Buffer.from(bytes).toString())).toEqual(texts);
});
