/** Compares the codec with the C library: values, bytes and errors must be equal. */

import { DatabaseSync, Changeset as EngineChangeset } from 'sqlite-wasm-run';
import {
  ChangesetError,
  changes,
  concat,
  encode,
  fromJson,
  Group,
  invert,
  statistics,
  toJson,
  toSql,
  validate,
} from 'sqlite-wasm-run/changeset';
import { describe, expect, test } from 'vitest';

/**
 * Pseudorandom numbers that are the same in every run. They cause none of the known differences in fuzz-changesets.ts.
 */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return (state >>> 0) % below;
  };
}

const schema = `CREATE TABLE a(id INTEGER PRIMARY KEY, x, y);
  CREATE TABLE b(x, k1, y, k2, PRIMARY KEY(k2, k1)) WITHOUT ROWID;
  CREATE TABLE "C ""ü"(k TEXT PRIMARY KEY, v DEFAULT 1);`;

const literals = [
  'NULL',
  '0',
  '-1',
  '9223372036854775807',
  '-9223372036854775808',
  '1.5',
  '2.0',
  '-0.0',
  '1e308',
  '9e999',
  "''",
  "'text'",
  "'ü 日本 🎉'",
  "'it''s'||char(0)||'x'",
  "x''",
  "x'00ff'",
  'zeroblob(200)',
  "cast(x'ff41' AS TEXT)",
  "replace(hex(zeroblob(100)),'00','yy')",
];

/** Changesets of random work on one database, also as patchsets. */
function workload(
  seed: number,
  parts = 3,
  size = 150,
): { changesets: Uint8Array[]; patchsets: Uint8Array[] } {
  const random = randomNumbers(seed);
  const literal = (): string => literals[random(literals.length)] as string;
  const db = new DatabaseSync(':memory:');
  db.exec(schema);
  const found = { changesets: [] as Uint8Array[], patchsets: [] as Uint8Array[] };
  for (let part = 0; part < parts; part++) {
    const session = db.createSession();
    db.exec('BEGIN');
    for (let i = 0; i < size; i++) {
      const id = random(60);
      const statements = [
        `INSERT OR REPLACE INTO a VALUES(${id},${literal()},${literal()})`,
        `UPDATE a SET x=${literal()} WHERE id=${id}`,
        `UPDATE a SET x=${literal()}, y=${literal()} WHERE id=${id}`,
        `DELETE FROM a WHERE id=${id}`,
        `INSERT OR REPLACE INTO b VALUES(${literal()},${id % 9},${literal()},'k${id % 7}')`,
        `UPDATE b SET y=${literal()} WHERE k1=${id % 9}`,
        `DELETE FROM b WHERE k2='k${id % 7}' AND k1=${id % 5}`,
        `INSERT OR REPLACE INTO "C ""ü" VALUES('key ${id}',${literal()})`,
        `DELETE FROM "C ""ü" WHERE k='key ${id}'`,
      ];
      db.exec(statements[random(statements.length)] as string);
    }
    db.exec('COMMIT');
    found.changesets.push(session.changeset());
    found.patchsets.push(session.patchset());
    session.close();
  }
  db.close();
  return found;
}

const seeds = Array.from({ length: 12 }, (_, i) => i + 1);

describe.each(seeds)('random work %i', (seed) => {
  const { changesets, patchsets } = workload(seed);
  const all = [...changesets, ...patchsets];

  test('is read as the C library reads it', () => {
    for (const bytes of all) {
      expect([...changes(bytes)]).toEqual([...new EngineChangeset(bytes)]);
      expect(validate(bytes)).toBeNull();
    }
  });
  test('is written as it was read', () => {
    for (const bytes of all) expect(Buffer.compare(encodeRaw(bytes), bytes)).toBe(0);
  });
  test('is converted to JSON and back without loss', () => {
    for (const bytes of all) {
      expect(Buffer.compare(fromJson(JSON.parse(JSON.stringify(toJson(bytes)))), bytes)).toBe(0);
    }
  });
  test('is inverted byte for byte as by the C library', () => {
    for (const bytes of changesets) {
      expect(Buffer.compare(invert(bytes), new EngineChangeset(bytes).invert().bytes)).toBe(0);
    }
  });
  test('updates that C writes differently are inverted as by C', () => {
    // Old and new values: a NaN, which C writes as NULL, and lengths in more bytes than needed.
    const short = [3, 2, 0x61, 0x62];
    const long = [3, 0x81, 0x00, ...Array(128).fill(0x63)];
    const stretched = [3, 0x80, 0x02, 0x61, 0x62];
    const nan = [2, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1];
    const integer = [1, 0, 0, 0, 0, 0, 0, 0, 9];
    const values = [[0], [5], integer, nan, short, long, stretched, [4, 0], [4, 0x80, 0x00]];
    const head = [0x54, 4, 1, 0, 0, 0, 0x74, 0];
    const update = (...columns: number[][]): number[] => [23, 0, ...integer, ...columns.flat()];
    const insert = [18, 0, ...integer, ...short, ...short, ...short];
    for (const a of values) {
      for (const b of values) {
        const rows = [...update(a, short, b, [0], b, short, a), ...insert, ...update(b, b, a, [0], a, a, b)];
        const bytes = Uint8Array.from([...head, ...insert, ...rows, ...insert]);
        expect(Buffer.compare(invert(bytes), new EngineChangeset(bytes).invert().bytes)).toBe(0);
      }
    }
  });
  test('is joined byte for byte as by the C library', () => {
    for (const list of [changesets, patchsets]) {
      for (const given of [list, [...list].reverse(), list.slice(0, 1), [...list, ...list]]) {
        expect(Buffer.compare(concat(...given), EngineChangeset.concat(...given).bytes)).toBe(0);
      }
    }
    const undone = changesets.map(invert).reverse();
    expect(concat(...changesets, ...undone)).toEqual(EngineChangeset.concat(...changesets, ...undone).bytes);
  });
  test('its SQL makes the same rows', () => {
    const names: Record<string, string[]> = {
      a: ['id', 'x', 'y'],
      b: ['x', 'k1', 'y', 'k2'],
      'C "ü': ['k', 'v'],
    };
    const make = (): DatabaseSync => {
      const db = new DatabaseSync(':memory:');
      db.exec(schema);
      return db;
    };
    const [bySql, byApply] = [make(), make()];
    for (const bytes of changesets) {
      bySql.exec(toSql(bytes, { columnNames: (table) => names[table] }));
      byApply.applyChangeset(bytes);
    }
    for (const table of Object.keys(names)) {
      const dump = `SELECT group_concat(quote(r), ';') FROM (SELECT ${names[table]?.map((n) => `hex(${n})||typeof(${n})`).join('||')} AS r FROM "${table.replace('"', '""')}" ORDER BY 1)`;
      expect(bySql.prepare(dump).get()).toEqual(byApply.prepare(dump).get());
    }
  });
  test('is refused if it is truncated at any byte', () => {
    const [bytes = new Uint8Array(0)] = changesets;
    const random = randomNumbers(seed);
    for (let i = 0; i < 60; i++) {
      const cut = bytes.subarray(0, random(bytes.length));
      const ours = outcome(() => [...changes(cut)].length);
      expect(ours).toBe(outcome(() => [...new EngineChangeset(cut)].length));
    }
  });
});

/** Reads all values and writes them again. Texts that are not UTF-8 are converted through JSON. */
function encodeRaw(bytes: Uint8Array): Uint8Array {
  const json = JSON.stringify(toJson(bytes));
  return json.includes('{"text":') || json.includes('NaN:')
    ? fromJson(JSON.parse(json))
    : encode(changes(bytes));
}

function outcome(action: () => unknown): unknown {
  try {
    return action();
  } catch {
    return 'refused';
  }
}

test('mutated bytes: what the C library refuses is refused, and anything else only by a named rule', () => {
  const { changesets } = workload(77, 1, 40);
  const [bytes = new Uint8Array(0)] = changesets;
  const random = randomNumbers(5);
  let refused = 0;
  for (let i = 0; i < 3000; i++) {
    const mutant = bytes.slice();
    for (let n = 1 + random(3); n > 0; n--) mutant[random(mutant.length)] = random(256);
    const c = outcome(() => [...new EngineChangeset(mutant)].length);
    const ours = outcome(() => [...changes(mutant)].length);
    if (c === 'refused') refused += 1;
    expect([i, ours]).toEqual([i, c]);
    if (ours === 'refused') expect(validate(mutant)).not.toBeNull();
  }
  expect(refused).toBeGreaterThan(200);
});

describe('the error explains the cause', () => {
  const head = [0x54, 2, 1, 0, 0x74, 0];
  const insert = [...head, 18, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 5];
  const cases: [string, number[], { offset: number; reason: string }][] = [
    ['no table', [18, 0, 5], { offset: 0, reason: 'expected T (a changeset) or P (a patchset)' }],
    [
      'a capture',
      [0x43, 0x41, 0x50, 0x54, 1],
      { offset: 0, reason: 'expected T (a changeset) or P (a patchset), not CAPT (a capture)' },
    ],
    ['an operation', [...head, 7, 0], { offset: 6, reason: 'unknown operation 7' }],
    ['a type', [...head, 18, 0, 9], { offset: 8, reason: 'unknown value type 9' }],
    ['the end', insert.slice(0, -1), { offset: 17, reason: 'the changeset is truncated' }],
    ['no columns', [0x54, 0, 0x74, 0], { offset: 1, reason: 'a table has 1 to 65536 columns, not 0' }],
    [
      'a name that is not terminated',
      [0x54, 1, 1, 0x74],
      { offset: 3, reason: "the table's name is not terminated" },
    ],
    [
      'the indirect flag',
      insert.with(7, 4),
      { offset: 7, reason: 'the indirect flag must be 0 or 1, not 4' },
    ],
    ['a NULL key', [...head, 18, 0, 5, 5], { offset: 8, reason: 'a key that contains NULL' }],
    ['an INSERT', [...head, 18, 0, 5, 0].with(8, 5), { offset: 8, reason: 'a key that contains NULL' }],
    [
      'a mixture',
      [...insert, 0x50, ...insert.slice(1)],
      { offset: 18, reason: 'tables of a changeset and of a patchset are mixed' },
    ],
  ];
  test.each(cases)('%s', (_name, bytes, fault) => {
    expect(validate(Uint8Array.from(bytes))).toEqual(fault);
  });
  test('a huge length costs nothing', () => {
    const bytes = Uint8Array.from([...head, 18, 0, 3, 0x87, 0xff, 0xff, 0xff, 0x7f, 0x41]);
    expect(validate(bytes)?.reason).toBe('the changeset is truncated');
  });
  test('an error in JSON names the place', () => {
    for (const [text, message] of [
      [
        '9007199254740993',
        'is an integer beyond 2^53, which JSON numbers cannot hold exactly: write {"integer":"..."}, or {"real":"..."} for a REAL',
      ],
      [
        '1e30',
        'is an integer beyond 2^53, which JSON numbers cannot hold exactly: write {"integer":"..."}, or {"real":"..."} for a REAL',
      ],
      ['1e400', 'is beyond the range of REAL: write {"real":"Infinity"} or {"real":"-Infinity"}'],
      ['-0.0', 'is -0, which is not an integer: write {"real":"-0"} or 0'],
      ['{"integer":"9223372036854775808"}', '.integer does not fit 64 bits'],
      [
        '{"real":" "}',
        '.real must be a decimal number, "Infinity", "-Infinity" or "NaN", as in {"real":"-0"}',
      ],
      [
        '{"real":"0x10"}',
        '.real must be a decimal number, "Infinity", "-Infinity" or "NaN", as in {"real":"-0"}',
      ],
    ]) {
      const json = `{"format":1,"kind":"changeset","tables":[{"name":"t","key":[1],"changes":[{"op":"insert","new":[${text}]}]}]}`;
      expect(() => fromJson(JSON.parse(json))).toThrow(
        `tables[0].changes[0].new[0]${message?.startsWith('.') ? '' : ' '}${message}`,
      );
    }
    const table = { name: 't', key: [1], changes: [{ op: 'insert', new: [{ integer: 'x' }] }] };
    expect(() => fromJson({ format: 1, kind: 'changeset', tables: [table] })).toThrow(
      'tables[0].changes[0].new[0] must be a number, a string, null, {} or one of {"integer"}, {"real"}, {"text"}, {"blob"}',
    );
    expect(() => fromJson({ format: 2 })).toThrow('format must be 1');
  });
  test('a patchset is neither inverted nor mixed with a changeset', () => {
    const patchset = Uint8Array.from([0x50, ...insert.slice(1)]);
    expect(() => invert(patchset)).toThrow(ChangesetError);
    expect(() => concat(Uint8Array.from(insert), patchset)).toThrow(
      'changesets and patchsets cannot be mixed',
    );
    expect(() => concat(Uint8Array.from(insert), Uint8Array.from(insert.with(3, 2)))).toThrow(
      'the changesets differ in the columns or the key of table t',
    );
  });
});

test('statistics count per table', () => {
  const db = new DatabaseSync(':memory:');
  db.exec(`${schema} INSERT INTO a VALUES(1,2,3),(2,3,4)`);
  const session = db.createSession();
  db.exec('UPDATE a SET x=9, y=8 WHERE id=1; DELETE FROM a WHERE id=2; INSERT INTO b VALUES(1,2,3,4)');
  const bytes = session.changeset();
  expect(statistics(bytes)).toEqual([
    { table: 'a', inserts: 0, updates: 1, deletes: 1, indirect: 0, values: 2, bytes: expect.any(Number) },
    { table: 'b', inserts: 1, updates: 0, deletes: 0, indirect: 0, values: 0, bytes: expect.any(Number) },
  ]);
  expect(statistics(bytes).reduce((sum, table) => sum + table.bytes, 0)).toBe(bytes.length);
  db.close();
});

test('a group continues after an output', () => {
  const { changesets } = workload(3);
  const [a = new Uint8Array(0), b = new Uint8Array(0)] = changesets;
  const group = new Group();
  group.add(a);
  expect(group.output()).toEqual(EngineChangeset.concat(a).bytes);
  group.add(b);
  expect(group.output()).toEqual(EngineChangeset.concat(a, b).bytes);
});

test('thousands of changes, also of long rows, are joined as the C library joins them', () => {
  const db = new DatabaseSync(':memory:');
  db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, a, b);
    WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c WHERE x<4000)
    INSERT INTO t SELECT x, 'a'||x, CASE WHEN x%50 THEN x ELSE hex(randomblob(3000)) END FROM c`);
  const parts = [
    "UPDATE t SET a='first'||id WHERE id%3; DELETE FROM t WHERE id%7=0; INSERT INTO t(id,a) SELECT id+9000,a FROM t",
    'UPDATE t SET b=a, a=id WHERE id%2; DELETE FROM t WHERE id%11=0; INSERT INTO t SELECT id*7+20000,a,b FROM t',
    "DELETE FROM t WHERE id>9000; UPDATE t SET a='a'||id; INSERT OR IGNORE INTO t SELECT id+7,a,b FROM t",
  ].map((sql) => {
    const session = db.createSession();
    db.exec(`BEGIN; ${sql}; COMMIT`);
    const made = { changeset: session.changeset(), patchset: session.patchset() };
    session.close();
    return made;
  });
  db.close();
  for (const kind of ['changeset', 'patchset'] as const) {
    const given = parts.map((part) => part[kind]);
    const joined = concat(...given);
    expect(Buffer.compare(joined, EngineChangeset.concat(...given).bytes)).toBe(0);
    expect([...changes(joined)].length).toBeGreaterThan(2000);
  }
});
