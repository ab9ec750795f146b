/**
 * run() and get() bind all parameters in one call of the core, with the same results as all(), which binds them one by
 * one.
 */

import { DatabaseSync, type SupportedValueType } from 'sqlite-wasm-run';
import { afterEach, beforeEach, expect, test } from 'vitest';

let db: DatabaseSync;
beforeEach(() => {
  db = new DatabaseSync(':memory:');
});
afterEach(() => db.close());

const long = 'ä'.repeat(9000);
const kinds: [string, SupportedValueType[]][] = [
  ['numbers', [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]],
  ['integers', [0n, -(2n ** 63n), 2n ** 63n - 1n, true, false]],
  ['nothing', [null, undefined]],
  ['short text', ['', 'a', 'é', 'a\0b', '\ud800', '😀', '\ufeffx']],
  [
    'text of the greatest length that counts as short',
    ['x'.repeat(23), 'x'.repeat(24), `${'x'.repeat(23)}é`, 'é'.repeat(40)],
  ],
  [
    'bytes',
    [new Uint8Array(0), new Uint8Array([0, 255]), Buffer.from('x'), new DataView(new ArrayBuffer(3))],
  ],
  ['parameters that do not fit in one call', [long, new Uint8Array(20_000), 'after']],
  [
    "texts that fill the statement's buffer and are then copied",
    [
      'a'.repeat(100),
      'ü'.repeat(70),
      'b',
      'c'.repeat(170),
      'd'.repeat(171),
      ...'many small texts'.repeat(10),
    ],
  ],
  [
    'parameters that fit separately but not together',
    ['y'.repeat(5000), 'z'.repeat(5000), new Uint8Array(9000)],
  ],
];

test.each(kinds)('%s', (_, values) => {
  const marks = values.map(() => '?').join(',');
  const shown = values.map((__, i) => `typeof(v${i}) || ' ' || hex(v${i})`).join(',');
  db.exec(`CREATE TABLE t(${values.map((__, i) => `v${i}`).join(',')})`);
  expect(db.prepare(`INSERT INTO t VALUES(${marks})`).run(...values)).toEqual({
    changes: 1,
    lastInsertRowid: 1,
  });
  const columns = values.map((__, i) => `? AS v${i}`).join(',');
  const read = { returnArrays: true };
  const bound = db.prepare(`SELECT ${shown} FROM (SELECT ${columns})`, read);
  const [expected] = bound.all(...values);
  expect(db.prepare(`SELECT ${shown} FROM t`, read).get()).toEqual(expected);
  expect(bound.get(...values)).toEqual(expected);
});

test('hundreds of parameters, and each kind of place', () => {
  const many = Array.from({ length: 300 }, (_, i) => i);
  db.exec(`CREATE TABLE t(a); CREATE TABLE wide(${many.map((i) => `c${i}`).join(',')})`);
  db.prepare(`INSERT INTO wide VALUES(${many.map(() => '?').join(',')})`).run(...many);
  expect(Object.values(db.prepare('SELECT * FROM wide').get() ?? {})).toEqual(many);
  db.prepare('INSERT INTO t VALUES(?2 || ?1)').run('b', 'a');
  db.prepare('INSERT INTO t VALUES(:x || ?)').run({ x: 'c' }, 'd');
  const twice = db.prepare('INSERT INTO t VALUES(? || ?)');
  twice.run('e', 'f');
  twice.run('g');
  expect(db.prepare('SELECT a FROM t', { returnArrays: true }).all()).toEqual([
    ['ab'],
    ['cd'],
    ['ef'],
    [null],
  ]);
  expect(() => twice.run('a', 'b', 'c')).toThrow('column index out of range');
  expect(() => twice.run('a', Symbol('s'))).toThrow('Provided value cannot be bound to SQLite parameter 2.');
  expect(() => twice.run(2n ** 63n, 'a')).toThrow('BigInt value is too large to bind.');
});

test('rows, errors, and rowids that are not safe numbers', () => {
  db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE)');
  const insert = db.prepare('INSERT INTO t VALUES(?, ?) RETURNING a');
  expect(insert.run(1n, 'x')).toEqual({ changes: 1, lastInsertRowid: 1 });
  expect(() => insert.run(2n, 'x')).toThrow('UNIQUE constraint failed: t.b');
  expect(insert.run(2n, 'y')).toEqual({ changes: 1, lastInsertRowid: 2 });
  const plain = db.prepare('INSERT INTO t VALUES(?, ?)');
  expect(() => plain.run(2n ** 60n, 'z')).toThrow(
    'Value is too large to be represented as a JavaScript number: 1152921504606846976',
  );
  plain.setReadBigInts(true);
  expect(plain.run(2n ** 60n + 1n, 'w')).toEqual({ changes: 1n, lastInsertRowid: 2n ** 60n + 1n });
  expect(db.prepare('SELECT count(*) AS n FROM t').get()).toMatchObject({ n: 4 });
});

test('a function that runs a statement itself while this one runs', () => {
  db.exec('CREATE TABLE t(a, b); CREATE TABLE log(x, y)');
  const log = db.prepare('INSERT INTO log VALUES(?, ?)');
  db.function('logged', (x) => {
    log.run('from inside', x ?? null);
    return x;
  });
  db.prepare('INSERT INTO t VALUES(logged(?), ?)').run('first', 'second');
  expect(db.prepare('SELECT a, b, x, y FROM t, log', { returnArrays: true }).all()).toEqual([
    ['first', 'second', 'from inside', 'first'],
  ]);
});

test('get() with wrong parameters, and after that', () => {
  db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(1, 2)');
  const pair = db.prepare('SELECT ? AS x, ? AS y');
  expect(pair.get(1, 'a')).toEqual({ x: 1, y: 'a' });
  expect(pair.get('b')).toEqual({ x: 'b', y: null });
  expect(() => pair.get(1, 2, 3)).toThrow('column index out of range');
  expect(() => pair.get(1, Symbol('s'))).toThrow('Provided value cannot be bound to SQLite parameter 2.');
  expect(pair.get()).toEqual({ x: null, y: null });
  const key = db.prepare('SELECT * FROM t WHERE a = ?');
  expect(key.get(1)).toEqual({ a: 1, b: 2 });
  expect(key.get(2)).toBe(undefined);
  db.exec('ALTER TABLE t ADD COLUMN c DEFAULT 3');
  expect(key.get(1)).toEqual({ a: 1, b: 2, c: 3 });
  db.exec('ALTER TABLE t DROP COLUMN b');
  expect(key.get(1)).toEqual({ a: 1, c: 3 });
  const failing = db.prepare("SELECT json_extract(?, '$.a') AS v");
  expect(() => failing.get('{')).toThrow('malformed JSON');
  expect(failing.get('{"a":5}')).toEqual({ v: 5 });
  db.exec('DROP TABLE t'); // no statement reads it any more
});

test('the texts of the last call stay until the next one', () => {
  const one = db.prepare('SELECT ? AS a, ? AS b');
  const other = db.prepare('SELECT ? AS c, ? AS d');
  one.get('first', 'é');
  other.get('second', 'two');
  expect([one.expandedSQL, other.expandedSQL]).toEqual([
    "SELECT 'first' AS a, 'é' AS b",
    "SELECT 'second' AS c, 'two' AS d",
  ]);
  expect(() => one.get('other text', Symbol('s'))).toThrow('parameter 2');
  expect(one.expandedSQL).toBe('SELECT NULL AS a, NULL AS b');
  one.get('x', 'y');
  expect(() => one.get('other text', 2n ** 64n)).toThrow('too large');
  expect(one.expandedSQL).toBe('SELECT NULL AS a, NULL AS b');
  one.get('x', 'y');
  expect(() => one.get('other text', new Uint8Array(20_000), Symbol('s'))).toThrow();
  expect(one.get('other text', new Uint8Array(20_000))).toEqual({
    a: 'other text',
    b: new Uint8Array(20_000),
  });
});

test('a statement that stood between two rows runs again with other texts', () => {
  db.exec('CREATE TABLE t(a, b)');
  const insert = db.prepare('INSERT INTO t VALUES(?1, ?2) RETURNING a, b');
  const select = db.prepare("SELECT ? AS x, value FROM json_each('[1,2,3]')", { returnArrays: true });
  for (const row of select.iterate('before')) {
    expect(row).toEqual(['before', 1]);
    expect(insert.get('in', 'between')).toEqual({ a: 'in', b: 'between' });
    break;
  }
  const rows = select.iterate('one');
  expect(rows.next().value).toEqual(['one', 1]);
  expect(select.get('two')).toEqual(['two', 1]);
  expect(() => rows.next()).toThrow();
});

test.each(['UTF-8', 'UTF-16le', 'UTF-16be'])('texts in a database in %s', (encoding) => {
  db.exec(`PRAGMA encoding='${encoding}'; CREATE TABLE t(a PRIMARY KEY, b) WITHOUT ROWID`);
  const insert = db.prepare('INSERT INTO t VALUES(?, ?)');
  for (let i = 0; i < 20; i++) insert.run(`key ${i} ü`, `value ${i}`);
  const found = db.prepare("SELECT b, upper(?) || '!' AS c FROM t WHERE a = ?");
  expect(found.get('now', 'key 7 ü')).toEqual({ b: 'value 7', c: 'NOW!' });
});

test('the texts of a call that fails are not bound', () => {
  const three = db.prepare('SELECT ? AS a, ? AS b, ? AS c');
  const unbound = 'SELECT NULL AS a, NULL AS b, NULL AS c';
  const limited = (action: () => void): void => {
    db.limits.length = 40;
    try {
      action();
    } finally {
      db.limits.length = 1_000_000_000;
    }
  };
  three.get('first', 'second', 'third');
  limited(() => expect(() => three.get('Y'.repeat(20), 'Z'.repeat(100), 'W')).toThrow('too big'));
  expect(three.expandedSQL).toBe(unbound);
  three.get('first', 'second', 'third');
  class Odd extends Uint8Array {
    override get byteLength(): number {
      throw new Error('odd');
    }
  }
  expect(() => three.run('other text', 'more', new Odd(3))).toThrow('odd');
  expect(three.expandedSQL).toBe(unbound);
  expect(three.get('first', 'second', 'third')).toEqual({ a: 'first', b: 'second', c: 'third' });
});
