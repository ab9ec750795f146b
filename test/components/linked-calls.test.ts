/**
 * A component is linked with the core after some calls, and then called in WebAssembly. The guest `echo` returns its
 * argument, and SQLite compares the two.
 */

import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compiled, engine, Linking, linkedCallsModule, stringsModule } from '../kit/internals.js';

const guest = (name: string): string => fileURLToPath(new URL(`../guests/${name}.wasm`, import.meta.url));

let db: DatabaseSync;
beforeEach(() => {
  db = new DatabaseSync(':memory:', { allowExtension: true });
  db.loadExtension(guest('echo'));
});
afterEach(() => {
  delete process.env.SQLITE_WASM_RUN_CALLS;
  db.close();
});

const [major = 0] = process.versions.node.split('.').map(Number);

test.runIf(major >= 22)('this Node compiles the modules that are written in the text format', () => {
  expect(compiled(linkedCallsModule)).toBeInstanceOf(WebAssembly.Module);
  expect(compiled(stringsModule)).toBeInstanceOf(WebAssembly.Module);
});

test.runIf(major < 22)('older Nodes cannot compile these modules, and work without them', () => {
  expect(compiled(linkedCallsModule)).toBe(undefined);
  expect(compiled(stringsModule)).toBe(undefined);
});

const lengths = [
  ...Array(40).keys(),
  63,
  64,
  65,
  255,
  256,
  257,
  16_383,
  16_384,
  16_385,
  2 ** 20,
  2 ** 20 + 1,
];
const values: [kind: string, sql: string][] = [
  ['NULL', 'NULL'],
  ['integers', '(i - 250) * 36893488147419103'],
  ['large integers', 'CASE i % 2 WHEN 0 THEN 9223372036854775807 ELSE -9223372036854775808 END'],
  ['reals', 'CASE i % 4 WHEN 0 THEN 1e999 WHEN 1 THEN -0.0 WHEN 2 THEN 1.5 * i ELSE 5e-324 END'],
  ['ASCII', "substr(replace(hex(zeroblob(n)), '0', 'x'), 1, n)"],
  ['other text', "substr(replace(hex(zeroblob(n)), '0', 'x'), 1, n) || char(128 + (i % 3) * 60000)"],
  ['text that begins otherwise', "char(233) || substr(replace(hex(zeroblob(n)), '0', 'x'), 1, n)"],
  ['text with NUL', "'a' || char(0) || substr(replace(hex(zeroblob(n)), '0', 'x'), 1, n)"],
  ['blobs', 'CAST(zeroblob(n) || (i % 7) AS BLOB)'],
];

test.each(values)('%s are returned as they were passed, before and after linking', (_, sql) => {
  const read = db.prepare(
    `WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 499),
      v(i, x) AS MATERIALIZED (SELECT i, (SELECT ${sql} FROM (SELECT json_extract(?1, '$[' || (i % ?2) || ']') AS n)) FROM c)
    SELECT count(*) AS count, sum(echo(x) IS x AND typeof(echo(x)) = typeof(x)) AS same FROM v`,
  );
  for (let i = 0; i < 2; i++) {
    expect(read.get(JSON.stringify(lengths), BigInt(lengths.length))).toEqual({ count: 500, same: 500 });
  }
});

test('several connections have their own instances of one component', () => {
  const other = new DatabaseSync(':memory:', { allowExtension: true });
  other.loadExtension(guest('echo'));
  const reads = [db, other].map((of) => of.prepare('SELECT echo(?) AS v'));
  for (let i = 0; i < 600; i++) expect(reads[i % 2]?.get(`value ${i}`)).toEqual({ v: `value ${i}` });
  other.close();
  expect(reads[0]?.get('after')).toEqual({ v: 'after' });
});

test.each(['direct', 'linked'])(
  'arguments beside a large one are not kept in the component, calls %s',
  (calls) => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db.close();
    db = new DatabaseSync(':memory:', { allowExtension: true });
    db.loadExtension(guest('echo'), { grants: { memory: 2 ** 23 } });
    for (let i = 0; i < 200; i++) db.prepare('SELECT inc(1)').get();
    const read = db.prepare('SELECT pair(zeroblob(1000000), zeroblob(?)) AS v');
    for (let i = 0; i < 20; i++) {
      expect(read.get(1_100_000)).toEqual({ v: 2 });
      expect(() => read.get(10_000_000)).toThrow('bytes do not fit in a component limited to 8388608 bytes');
    }
  },
);

test('a component that cannot be linked is called directly', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const options = { memory, realloc: () => 0 };
  const exported = { options, callsBefore: 1, function: () => () => 0, post: () => () => undefined };
  const linking = new Linking(engine(), exported, ['call']);
  linking.count();
  expect(linking.linked).toBe(undefined);
});
