/** Limits of a connection, and statements as tagged templates, compared with node:sqlite. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the cases are source text

import { DatabaseSync } from 'sqlite-wasm-run';
import { expect, test } from 'vitest';
import { type Case, table } from '../kit/api-table.js';

const limits: Case[] = [
  ['open({ limits: 1 })', '! ERR_INVALID_ARG_TYPE The "options.limits" argument must be an object.'],
  ['open({ limits: null })', '! ERR_INVALID_ARG_TYPE The "options.limits" argument must be an object.'],
  ['open({ limits: {} }).limits.length', '1000000000'],
  ['open({ limits: { length: 100 } }).limits.length', '100'],
  ['open({ limits: { length: undefined } }).limits.length', '1000000000'],
  [
    'open({ limits: { length: -1 } })',
    '! ERR_OUT_OF_RANGE The "options.limits.length" argument must be non-negative.',
  ],
  [
    "open({ limits: { length: 'x' } })",
    '! ERR_INVALID_ARG_TYPE The "options.limits.length" argument must be an integer.',
  ],
  ['Object.keys(open().limits).length', '11'],
  ['open().limits.variableNumber', '32766'],
  ['open().limits.attach', '10'],
  [
    "(db => ((db.limits.column = 5), db.exec('CREATE TABLE x(a,b,c,d,e,f)')))(open())",
    '! ERR_SQLITE_ERROR 1 too many columns on x',
  ],
  ['(db => ((db.limits.column = Infinity), db.limits.column))(open({ limits: { column: 3 } }))', '2000'],
  ['(db => ((db.limits.length = 0), db.limits.length))(open())', '30'],
  ['(db => (db.limits.column = -1))(open())', '! ERR_OUT_OF_RANGE Limit value must be non-negative.'],
  [
    '(db => (db.limits.column = 1.5))(open())',
    '! ERR_INVALID_ARG_TYPE Limit value must be a non-negative integer or Infinity.',
  ],
  ['(db => (db.close(), db.limits))(open())', '! ERR_INVALID_STATE database is not open'],
  [
    '((db, l) => (db.close(), l.column))(...(db => [db, db.limits])(open()))',
    '! ERR_INVALID_STATE database is not open',
  ],
];
table('limits', limits);

const tags: Case[] = [
  ['(t => [t.size, t.capacity])(open().createTagStore())', '[0, 1000]'],
  ['(t => t.all`SELECT ${1} AS a, ${"x"} AS b`)(open().createTagStore())', '[{a: 1, b: "x"}]'],
  ['(t => t.get`SELECT ${undefined} AS a`)(open().createTagStore())', '{a: null}'],
  ['(t => [...t.iterate`SELECT ${1} AS a UNION SELECT 2`])(open().createTagStore())', '[{a: 1}, {a: 2}]'],
  [
    '(t => (t.get`SELECT 1`, t.get`SELECT 2`, t.get`SELECT 1`, t.get`SELECT 3`, [t.size, (t.clear(), t.size)]))(open().createTagStore(2))',
    '[2, 0]',
  ],
  [
    '(t => t.get`SELECT ${{}} AS a`)(open().createTagStore())',
    '! ERR_INVALID_ARG_TYPE Provided value cannot be bound to SQLite parameter 1.',
  ],
  ['(t => t.get`nonsense`)(open().createTagStore())', '! ERR_SQLITE_ERROR 1 near "nonsense": syntax error'],
  [
    "open().createTagStore().all('SELECT 1')",
    '! ERR_INVALID_ARG_TYPE First argument must be an array of strings (template literal).',
  ],
  ["open().createTagStore('x')", '! ERR_INVALID_ARG_TYPE The "maxSize" argument must be a positive integer.'],
  ['open().createTagStore(0)', '! ERR_OUT_OF_RANGE The "maxSize" argument must be a positive integer.'],
  ['open().createTagStore(1.5)', '! ERR_OUT_OF_RANGE The "maxSize" argument must be a positive integer.'],
  ['(db => (db.close(), db.createTagStore()))(open())', '! ERR_INVALID_STATE database is not open'],
  [
    '((db, t) => (t.get`SELECT 1`, db.close(), t.get`SELECT 1`))(...(db => [db, db.createTagStore()])(open()))',
    '! ERR_INVALID_STATE database is not open',
  ],
];
table('tagged templates', tags);

test('an unknown limit is refused, and one is set again when the database is opened again', () => {
  expect(() => new DatabaseSync(':memory:', { limits: { colum: 1 } as never })).toThrow(
    'did you mean "column"?',
  );
  using db = new DatabaseSync(':memory:', { limits: { column: 3 } });
  db.close();
  db.open();
  expect(db.limits.column).toBe(3);
});

test('a tag store prepares a text once', () => {
  using db = new DatabaseSync(':memory:');
  const sql = db.createTagStore(2);
  expect(sql.db).toBe(db);
  db.exec('CREATE TABLE t(a)');
  for (let i = 0; i < 3; i++) expect(sql.run`INSERT INTO t VALUES(${i})`.changes).toBe(1);
  expect(sql.size).toBe(1);
  expect(sql.get`SELECT sum(a) AS n FROM t WHERE a < ${2n}`).toEqual({ n: 1 });
});
