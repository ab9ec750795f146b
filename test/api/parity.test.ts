/** Arguments, results and errors of databases, statements and functions, compared with node:sqlite. */

import { type Case, table } from '../kit/api-table.js';

const opening: Case[] = [
  [
    'new api.DatabaseSync()',
    '! ERR_INVALID_ARG_TYPE The "path" argument must be a string, Uint8Array, or URL ' +
      'without null bytes.',
  ],
  [
    'new api.DatabaseSync(1)',
    '! ERR_INVALID_ARG_TYPE The "path" argument must be a string, Uint8Array, or URL ' +
      'without null bytes.',
  ],
  [
    "new api.DatabaseSync('a\\0b')",
    '! ERR_INVALID_ARG_TYPE The "path" argument must be a string, Uint8Array, or URL ' +
      'without null bytes.',
  ],
  ["new api.DatabaseSync(new URL('http://x/y'))", '! ERR_INVALID_URL_SCHEME The URL must be of scheme file:'],
  ['open(null)', '! ERR_INVALID_ARG_TYPE The "options" argument must be an object.'],
  ['open(1)', '! ERR_INVALID_ARG_TYPE The "options" argument must be an object.'],
  ["open('x')", '! ERR_INVALID_ARG_TYPE The "options" argument must be an object.'],
  ['open({ open: 1 })', '! ERR_INVALID_ARG_TYPE The "options.open" argument must be a boolean.'],
  ['open({ readOnly: 1 })', '! ERR_INVALID_ARG_TYPE The "options.readOnly" argument must be a boolean.'],
  [
    'open({ enableForeignKeyConstraints: 1 })',
    '! ERR_INVALID_ARG_TYPE The "options.enableForeignKeyConstraints" argument must be a boolean.',
  ],
  [
    'open({ enableDoubleQuotedStringLiterals: 1 })',
    '! ERR_INVALID_ARG_TYPE The "options.enableDoubleQuotedStringLiterals" argument ' + 'must be a boolean.',
  ],
  ['open({ defensive: 1 })', '! ERR_INVALID_ARG_TYPE The "options.defensive" argument must be a boolean.'],
  [
    'open({ allowExtension: 1 })',
    '! ERR_INVALID_ARG_TYPE The "options.allowExtension" argument must be a boolean.',
  ],
  [
    'open({ readBigInts: 1 })',
    '! ERR_INVALID_ARG_TYPE The "options.readBigInts" argument must be a boolean.',
  ],
  [
    'open({ returnArrays: 1 })',
    '! ERR_INVALID_ARG_TYPE The "options.returnArrays" argument must be a boolean.',
  ],
  [
    'open({ allowBareNamedParameters: 1 })',
    '! ERR_INVALID_ARG_TYPE The "options.allowBareNamedParameters" argument must be a boolean.',
  ],
  [
    'open({ allowUnknownNamedParameters: 1 })',
    '! ERR_INVALID_ARG_TYPE The "options.allowUnknownNamedParameters" argument must be a boolean.',
  ],
  ["open({ timeout: 'x' })", '! ERR_INVALID_ARG_TYPE The "options.timeout" argument must be an integer.'],
  ['open({ timeout: 1.5 })', '! ERR_INVALID_ARG_TYPE The "options.timeout" argument must be an integer.'],
  ['open({ timeout: 2 ** 40 })', '! ERR_INVALID_ARG_TYPE The "options.timeout" argument must be an integer.'],
  ["open({ timeout: 7 }).prepare('PRAGMA busy_timeout').get()", '{timeout: 7}'],
  ["open({ timeout: -1 }).prepare('PRAGMA busy_timeout').get()", '{timeout: 0}'],
  ['open().open()', '! ERR_INVALID_STATE database is already open'],
  ['const db = open(); db.close(); return db.close()', '! ERR_INVALID_STATE database is not open'],
  ['const db = open(); db.close(); db.open(); return db.isOpen', 'true'],
  ['open({ open: false }).isOpen', 'false'],
  ['open({ open: false }).isTransaction', '! ERR_INVALID_STATE database is not open'],
  ['open({ open: false }).location()', '! ERR_INVALID_STATE database is not open'],
  ["open({ open: false }).exec('SELECT 1')", '! ERR_INVALID_STATE database is not open'],
  ["open({ open: false }).prepare('SELECT 1')", '! ERR_INVALID_STATE database is not open'],
  ["open({ open: false }).function('f', () => 1)", '! ERR_INVALID_STATE database is not open'],
  ['open({ open: false }).createSession()', '! ERR_INVALID_STATE database is not open'],
  ['open({ open: false }).applyChangeset(new Uint8Array())', '! ERR_INVALID_STATE database is not open'],
  ["open({ open: false }).loadExtension('x')", '! ERR_INVALID_STATE database is not open'],
  ['open({ open: false }).enableLoadExtension(true)', '! ERR_INVALID_STATE database is not open'],
  ['open({ open: false }).enableDefensive(true)', '! ERR_INVALID_STATE database is not open'],
  ['const db = open(); db[Symbol.dispose](); db[Symbol.dispose](); return db.isOpen', 'false'],
  [
    `
      const db = open();
      const before = db.isTransaction;
      db.exec('BEGIN');
      return [before, db.isTransaction]`,
    '[false, true]',
  ],
  ['open().location()', 'null'],
  ["open().location('nope')", 'null'],
  ['open().location(1)', '! ERR_INVALID_ARG_TYPE The "dbName" argument must be a string.'],
  [
    'open().enableLoadExtension(true)',
    '! ERR_INVALID_STATE Cannot enable extension loading because it was disabled at ' + 'database creation.',
  ],
  ['open().enableLoadExtension(false)', 'undefined'],
  [
    'open({ allowExtension: true }).enableLoadExtension(1)',
    '! ERR_INVALID_ARG_TYPE The "allow" argument must be a boolean.',
  ],
  ["open().loadExtension('x')", '! ERR_INVALID_STATE extension loading is not allowed'],
  [
    'open({ allowExtension: true }).loadExtension(1)',
    '! ERR_INVALID_ARG_TYPE The "path" argument must be a string.',
  ],
  [
    `
      const db = open({ allowExtension: true });
      db.enableLoadExtension(false);
      return db.loadExtension('x')`,
    '! ERR_INVALID_STATE extension loading is not allowed',
  ],
  ['open().exec("SELECT load_extension(\'x\')")', '! ERR_SQLITE_ERROR 1 not authorized'],
  [
    'open().exec(\'SELECT "x"\')',
    '! ERR_SQLITE_ERROR 1 no such column: "x" - should this be a string literal in single-quotes?',
  ],
  ['open({ enableDoubleQuotedStringLiterals: true }).prepare(\'SELECT "x" AS v\').get()', '{v: "x"}'],
  [
    "open({ readOnly: true }).exec('CREATE TABLE t(a)')",
    '! ERR_SQLITE_ERROR 8 attempt to write a readonly database',
  ],
  ["open().prepare('PRAGMA foreign_keys').get()", '{foreign_keys: 1}'],
  ["open({ enableForeignKeyConstraints: false }).prepare('PRAGMA foreign_keys').get()", '{foreign_keys: 0}'],
  [
    `
      const db = tables();
      db.exec('PRAGMA writable_schema=ON');
      return db.exec("UPDATE sqlite_schema SET name='x'")`,
    '! ERR_SQLITE_ERROR 1 table sqlite_master may not be modified',
  ],
  [
    `
      const db = tables();
      db.enableDefensive(false);
      db.exec('PRAGMA writable_schema=ON');
      return db.exec("UPDATE sqlite_schema SET name='t' WHERE name='t'")`,
    'undefined',
  ],
  ['open().enableDefensive(1)', '! ERR_INVALID_ARG_TYPE The "active" argument must be a boolean.'],
  ['new api.StatementSync()', '! ERR_ILLEGAL_CONSTRUCTOR Illegal constructor'],
];
table('opening', opening);

const preparing: Case[] = [
  ['open().exec(1)', '! ERR_INVALID_ARG_TYPE The "sql" argument must be a string.'],
  ["open().exec('SELECT 1')", 'undefined'],
  ["open().exec('')", 'undefined'],
  ["open().exec('selec')", '! ERR_SQLITE_ERROR 1 near "selec": syntax error'],
  [
    "open().exec('CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES (1),(1)')",
    '! ERR_SQLITE_ERROR 2067 UNIQUE constraint failed: t.a',
  ],
  ['prepare()', '! ERR_INVALID_ARG_TYPE The "sql" argument must be a string.'],
  ["prepare('')", '! ERR_INVALID_ARG_VALUE The SQL query contains no statements.'],
  ["prepare('-- nothing')", '! ERR_INVALID_ARG_VALUE The SQL query contains no statements.'],
  ["prepare('SELECT * FROM nope')", '! ERR_SQLITE_ERROR 1 no such table: nope'],
  ["prepare('SELECT 1 AS a; SELECT 2 AS b').get()", '{a: 1}'],
  ["prepare('SELECT 1', 1)", '! ERR_INVALID_ARG_TYPE The "options" argument must be an object.'],
  ["prepare('SELECT 1', null)", '! ERR_INVALID_ARG_TYPE The "options" argument must be an object.'],
  [
    "prepare('SELECT 1', { readBigInts: 1 })",
    '! ERR_INVALID_ARG_TYPE The "options.readBigInts" argument must be a boolean.',
  ],
  [
    "prepare('SELECT 1').setReadBigInts(1)",
    '! ERR_INVALID_ARG_TYPE The "readBigInts" argument must be a boolean.',
  ],
  [
    "prepare('SELECT 1', { returnArrays: 1 })",
    '! ERR_INVALID_ARG_TYPE The "options.returnArrays" argument must be a boolean.',
  ],
  [
    "prepare('SELECT 1').setReturnArrays(1)",
    '! ERR_INVALID_ARG_TYPE The "returnArrays" argument must be a boolean.',
  ],
  [
    "prepare('SELECT 1', { allowBareNamedParameters: 1 })",
    '! ERR_INVALID_ARG_TYPE The "options.allowBareNamedParameters" argument must be a boolean.',
  ],
  [
    "prepare('SELECT 1').setAllowBareNamedParameters(1)",
    '! ERR_INVALID_ARG_TYPE The "allowBareNamedParameters" argument must be a boolean.',
  ],
  [
    "prepare('SELECT 1', { allowUnknownNamedParameters: 1 })",
    '! ERR_INVALID_ARG_TYPE The "options.allowUnknownNamedParameters" argument must be a boolean.',
  ],
  [
    "prepare('SELECT 1').setAllowUnknownNamedParameters(1)",
    '! ERR_INVALID_ARG_TYPE The "enabled" argument must be a boolean.',
  ],
  ["prepare('SELECT 1 AS a', { readBigInts: true, returnArrays: true }).all()", '[[1n]]'],
  ["open({ readBigInts: true, returnArrays: true }).prepare('SELECT 1, 2').get()", '[1n, 2n]'],
  [
    "const s = prepare('SELECT ?, :a'); s.get({ a: 1 }, 'o\\'x'); return [s.sourceSQL, " + 's.expandedSQL]',
    '["SELECT ?, :a", "SELECT \'o\'\'x\', 1.0"]',
  ],
  [
    "tables().prepare('SELECT a AS x, b, a+1, 5 AS k FROM t').columns()",
    '[{column: "a", database: "main", name: "x", table: "t", type: "INTEGER"}, ' +
      '{column: "b", database: "main", name: "b", table: "t", type: "TEXT"}, {column: ' +
      'null, database: null, name: "a+1", table: null, type: null}, {column: null, ' +
      'database: null, name: "k", table: null, type: null}]',
  ],
  ["prepare('CREATE TABLE t(a)').columns()", '[]'],
];
table('preparing', preparing);

const values: Case[] = [
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get(undefined)", '{v: null, t: "null"}'],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get(true)", '{v: 1, t: "integer"}'],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get(1.5)", '{v: 1.5, t: "real"}'],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get(1)", '{v: 1, t: "real"}'],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get(-0)", '{v: -0, t: "real"}'],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get(NaN)", '{v: null, t: "null"}'],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get(Infinity)", '{v: Infinity, t: "real"}'],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get(10n)", '{v: 10, t: "integer"}'],
  [
    "prepare('SELECT ? AS v, typeof(?1) AS t').get(2n ** 63n)",
    '! ERR_INVALID_ARG_VALUE BigInt value is too large to bind.',
  ],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get('x')", '{v: "x", t: "text"}'],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get('\\u0000x')", '{v: "\\u0000x", t: "text"}'],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get('\\ud800')", '{v: "\ufffd", t: "text"}'],
  [
    "prepare('SELECT ? AS v, typeof(?1) AS t').get('\\ufeff\u00e9\ud83d\ude00')",
    '{v: "\ufeff\u00e9\ud83d\ude00", t: "text"}',
  ],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get(null)", '{v: null, t: "null"}'],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get(new Uint8Array([1, 2]))", '{v: x\'0102\', t: "blob"}'],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get(new Uint8Array(0))", '{v: x\'\', t: "blob"}'],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get(new ArrayBuffer(2))", '{v: x\'0000\', t: "blob"}'],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get(new SharedArrayBuffer(2))", '{v: x\'0000\', t: "blob"}'],
  ["prepare('SELECT ? AS v, typeof(?1) AS t').get(new Uint16Array([258]))", '{v: x\'0201\', t: "blob"}'],
  [
    "prepare('SELECT ? AS v, typeof(?1) AS t').get(new DataView(new ArrayBuffer(2)))",
    '{v: x\'0000\', t: "blob"}',
  ],
  [
    "prepare('SELECT ? AS v, ? AS w').get(1, Symbol())",
    '! ERR_INVALID_ARG_TYPE Provided value cannot be bound to SQLite parameter 2.',
  ],
  [
    "prepare('SELECT ? AS v, ? AS w').get(1, () => 1)",
    '! ERR_INVALID_ARG_TYPE Provided value cannot be bound to SQLite parameter 2.',
  ],
  [
    "prepare('SELECT ? AS v, ? AS w').get(1, [])",
    '! ERR_INVALID_ARG_TYPE Provided value cannot be bound to SQLite parameter 2.',
  ],
  [
    "prepare('SELECT ? AS v, ? AS w').get(1, {})",
    '! ERR_INVALID_ARG_TYPE Provided value cannot be bound to SQLite parameter 2.',
  ],
  [
    "prepare('SELECT ? AS v, ? AS w').get(1, new Date(0))",
    '! ERR_INVALID_ARG_TYPE Provided value cannot be bound to SQLite parameter 2.',
  ],
  [
    "prepare('SELECT ? AS v, ? AS w').get(1, new Number(1))",
    '! ERR_INVALID_ARG_TYPE Provided value cannot be bound to SQLite parameter 2.',
  ],
  [
    `
      const db = open();
      db.function('f', () => undefined);
      return db.prepare('SELECT f() AS v, typeof(f()) AS t').get()`,
    '{v: null, t: "null"}',
  ],
  [
    `
      const db = open();
      db.function('f', () => 1);
      return db.prepare('SELECT f() AS v, typeof(f()) AS t').get()`,
    '{v: 1, t: "real"}',
  ],
  [
    `
      const db = open();
      db.function('f', () => 10n);
      return db.prepare('SELECT f() AS v, typeof(f()) AS t').get()`,
    '{v: 10, t: "integer"}',
  ],
  [
    `
      const db = open();
      db.function('f', () => 2n ** 63n);
      return db.prepare('SELECT f() AS v, typeof(f()) AS t').get()`,
    '! ERR_SQLITE_ERROR 1 BigInt value is too large for SQLite',
  ],
  [
    `
      const db = open();
      db.function('f', () => 'x');
      return db.prepare('SELECT f() AS v, typeof(f()) AS t').get()`,
    '{v: "x", t: "text"}',
  ],
  [
    `
      const db = open();
      db.function('f', () => new ArrayBuffer(2));
      return db.prepare('SELECT f() AS v, typeof(f()) AS t').get()`,
    '{v: x\'0000\', t: "blob"}',
  ],
  [
    `
      const db = open();
      db.function('f', () => true);
      return db.prepare('SELECT f() AS v, typeof(f()) AS t').get()`,
    '! ERR_SQLITE_ERROR 1 Returned JavaScript value cannot be converted to a SQLite value',
  ],
  [
    `
      const db = open();
      db.function('f', () => Symbol());
      return db.prepare('SELECT f() AS v, typeof(f()) AS t').get()`,
    '! ERR_SQLITE_ERROR 1 Returned JavaScript value cannot be converted to a SQLite value',
  ],
  [
    `
      const db = open();
      db.function('f', () => []);
      return db.prepare('SELECT f() AS v, typeof(f()) AS t').get()`,
    '! ERR_SQLITE_ERROR 1 Returned JavaScript value cannot be converted to a SQLite value',
  ],
  [
    `
      const db = open();
      db.function('f', () => Promise.resolve());
      return db.prepare('SELECT f() AS v, typeof(f()) AS t').get()`,
    '! ERR_SQLITE_ERROR 1 Asynchronous user-defined functions are not supported',
  ],
  ["prepare('SELECT 9007199254740991 AS v').get()", '{v: 9007199254740991}'],
  [
    "prepare('SELECT 9007199254740992 AS v').get()",
    '! ERR_OUT_OF_RANGE Value is too large to be represented as a JavaScript number: ' + '9007199254740992',
  ],
  [
    "prepare('SELECT -9223372036854775808 AS v').all()",
    '! ERR_OUT_OF_RANGE Value is too large to be represented as a JavaScript number: ' +
      '-9223372036854775808',
  ],
  [
    "[...prepare('SELECT 9007199254740993 AS v').iterate()]",
    '! ERR_OUT_OF_RANGE Value is too large to be represented as a JavaScript number: ' + '9007199254740993',
  ],
  ["prepare('SELECT 9007199254740993 AS v', { readBigInts: true }).get()", '{v: 9007199254740993n}'],
  [
    `
      const db = open();
      db.exec('CREATE TABLE k(a INTEGER PRIMARY KEY)');
      return db.prepare('INSERT INTO k VALUES (9223372036854775807)').run()`,
    '! ERR_OUT_OF_RANGE Value is too large to be represented as a JavaScript number: ' +
      '9223372036854775807',
  ],
  [
    `
      const db = open();
      db.exec('CREATE TABLE k(a)');
      const sql = 'INSERT INTO k VALUES (?)';
      return [db.prepare(sql).run(1), db.prepare(sql, { readBigInts: true }).run(1),
        db.prepare('SELECT 1').run(), db.prepare('UPDATE k SET a=2').run()]`,
    '[with prototype {changes: 1, lastInsertRowid: 1}, with prototype {changes: 1n, ' +
      'lastInsertRowid: 2n}, with prototype {changes: 1, lastInsertRowid: 2}, with ' +
      'prototype {changes: 2, lastInsertRowid: 2}]',
  ],
  [
    "prepare(\"SELECT 1 AS i, 1.5 AS r, 'x' AS t, x'0102' AS b, NULL AS n, '' AS e, " +
      "x'' AS eb, 'a' || char(0) || 'b' AS z, cast(x'ff41' AS TEXT) AS bad, char(65279) " +
      "|| 'a' AS bom\").get()",
    '{i: 1, r: 1.5, t: "x", b: x\'0102\', n: null, e: "", eb: x\'\', z: "a\\u0000b", bad: ' +
      '"\ufffdA", bom: "\ufeffa"}',
  ],
  ["prepare('SELECT 1 AS a, 2 AS a').get()", '{a: 2}'],
  ["prepare('SELECT 1 AS a, 2 AS a', { returnArrays: true }).get()", '[1, 2]'],
  [
    `
      const row = prepare('SELECT 1 AS "__proto__", 2 AS constructor').get();
      return [Object.keys(row), row.__proto__]`,
    '[["__proto__", "constructor"], 1]',
  ],
  [
    `
      const all = prepare('SELECT value AS "__proto__" FROM json_each(json_array(1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20))').all();
      return [Object.keys(all[19]), all[19].__proto__, Object.getPrototypeOf(all[19])]`,
    '[["__proto__"], 20, null]',
  ],
  [
    'prepare(\'SELECT 1 AS "", 2 AS "a b", 3 AS "\u00e9", 4 AS "x""y", 5 AS "0"\').get()',
    '{0: 5, : 1, a b: 2, \u00e9: 3, x"y: 4}',
  ],
];
table('values', values);

const parameters: Case[] = [
  ["prepare('SELECT ?').get(1, 2)", '! ERR_SQLITE_ERROR 25 column index out of range'],
  ["prepare('SELECT ? AS v').get()", '{v: null}'],
  [
    "const s = prepare('SELECT ? AS v, ? AS w'); s.get(1, 2); return [s.get(5), s.get()]",
    '[{v: 5, w: null}, {v: null, w: null}]',
  ],
  ["prepare('SELECT ? AS v, ? AS w').get(null, 2)", '{v: null, w: 2}'],
  ["prepare('SELECT ? AS b, :a AS a, ? AS c').get({ a: 1 }, 2, 3)", '{b: 2, a: 1, c: 3}'],
  ["prepare('SELECT :a AS a').get({ a: 1 }, 2)", '! ERR_SQLITE_ERROR 25 column index out of range'],
  [
    "prepare('SELECT :a AS a, ? AS b').get({ a: 1 }, { b: 2 })",
    '! ERR_INVALID_ARG_TYPE Provided value cannot be bound to SQLite parameter 2.',
  ],
  ["prepare('SELECT :a AS a, ? AS b').get(1)", '{a: null, b: 1}'],
  ["prepare('SELECT :a AS a, ? AS b').get(1, 2)", '! ERR_SQLITE_ERROR 25 column index out of range'],
  ["prepare('SELECT ?2 AS a, ?1 AS b').get(1, 2)", '{a: 2, b: 1}'],
  ["prepare('SELECT :a AS a, ?2 AS b').get({ a: 1 }, 7)", '{a: 1, b: 7}'],
  ["prepare('SELECT ?5 AS a').get({ '?5': 1 })", '{a: 1}'],
  ["prepare('SELECT :a AS a').get({ b: 1 })", "! ERR_INVALID_STATE Unknown named parameter 'b'"],
  ["prepare('SELECT :a AS a', { allowUnknownNamedParameters: true }).get({ a: 1, b: 2 })", '{a: 1}'],
  ["prepare('SELECT :a AS a, $b AS b, @c AS c').get({ ':a': 1, '$b': 2, c: 3 })", '{a: 1, b: 2, c: 3}'],
  [
    "prepare('SELECT :a AS a', { allowBareNamedParameters: false }).get({ a: 1 })",
    "! ERR_INVALID_STATE Unknown named parameter 'a'",
  ],
  [
    `
      const s = prepare('SELECT :a AS a');
      s.setAllowBareNamedParameters(false);
      return s.get({ a: 1 })`,
    "! ERR_INVALID_STATE Unknown named parameter 'a'",
  ],
  [
    "prepare('SELECT :a, $a').get({ a: 1 })",
    "! ERR_INVALID_STATE Cannot create bare named parameter 'a' because of " +
      "conflicting names ':a' and '$a'.",
  ],
  ["prepare('SELECT :a AS a, :a AS b, ? AS c').get({ a: 1 }, 2)", '{a: 1, b: 1, c: 2}'],
  ["prepare('SELECT :a AS v').get({ get a() { throw new RangeError('mine'); } })", '! mine'],
  ["prepare('SELECT :a AS v').get(() => 1)", '{v: null}'],
];
table('parameters', parameters);

const statements: Case[] = [
  [
    "const db = open(); const s = db.prepare('SELECT 1'); db.close(); return s.run()",
    '! ERR_INVALID_STATE statement has been finalized',
  ],
  [
    "const db = open(); const s = db.prepare('SELECT 1'); db.close(); return s.get()",
    '! ERR_INVALID_STATE statement has been finalized',
  ],
  [
    "const db = open(); const s = db.prepare('SELECT 1'); db.close(); return s.all()",
    '! ERR_INVALID_STATE statement has been finalized',
  ],
  [
    "const db = open(); const s = db.prepare('SELECT 1'); db.close(); return s.iterate()",
    '! ERR_INVALID_STATE statement has been finalized',
  ],
  [
    "const db = open(); const s = db.prepare('SELECT 1'); db.close(); return s.columns()",
    '! ERR_INVALID_STATE statement has been finalized',
  ],
  [
    "const db = open(); const s = db.prepare('SELECT 1'); db.close(); return s.close()",
    '! ERR_INVALID_STATE statement has been finalized',
  ],
  [
    "const db = open(); const s = db.prepare('SELECT 1'); db.close(); db.open(); return s.get()",
    '! ERR_INVALID_STATE statement has been finalized',
  ],
  [
    "const db = open(); const s = db.prepare('SELECT 1'); db.close(); return s.sourceSQL",
    '! ERR_INVALID_STATE statement has been finalized',
  ],
  [
    "const db = open(); const s = db.prepare('SELECT 1'); db.close(); return s.expandedSQL",
    '! ERR_INVALID_STATE statement has been finalized',
  ],
  [
    `
      const db = open();
      const s = db.prepare('SELECT 1');
      db.close();
      return s.setReadBigInts(true)`,
    '! ERR_INVALID_STATE statement has been finalized',
  ],
  [
    `
      const s = prepare('SELECT 1 AS a');
      return [s.close(), attempt(() => s.get()), attempt(() => s.close()), s[Symbol.dispose]()]`,
    '[undefined, "! ERR_INVALID_STATE statement has been finalized", "! ' +
      'ERR_INVALID_STATE statement has been finalized", undefined]',
  ],
  ["prepare('SELECT 1 WHERE 0').get()", 'undefined'],
  ["prepare('SELECT 1 WHERE 0').all()", '[]'],
  ["prepare('CREATE TABLE x(a)').get()", 'undefined'],
  ['prepare("SELECT json(\'{\')").run()', '! ERR_SQLITE_ERROR 1 malformed JSON'],
  [
    `
      const db = tables();
      db.exec('INSERT INTO u VALUES (1)');
      const s = db.prepare('SELECT * FROM u');
      const before = s.get();
      db.exec('ALTER TABLE u ADD COLUMN c DEFAULT 7');
      return [before, s.get(), s.all(), [...s.iterate()]]`,
    '[{a: 1}, {a: 1, c: 7}, [{a: 1, c: 7}], [{a: 1, c: 7}]]',
  ],
  [
    `
      const db = tables();
      db.exec('INSERT INTO u VALUES (1)');
      const s = db.prepare('SELECT * FROM u');
      const before = s.get();
      db.exec('ALTER TABLE u RENAME COLUMN a TO z');
      return [before, s.get(), s.all(), [...s.iterate()]]`,
    '[{a: 1}, {z: 1}, [{z: 1}], [{z: 1}]]',
  ],
  [
    `
      const db = tables();
      const s = db.prepare('INSERT INTO u VALUES (1),(2) RETURNING a');
      return [s.get(), db.prepare('SELECT count(*) AS n FROM u').get()]`,
    '[{a: 1}, {n: 2}]',
  ],
  [
    `
      const db = open();
      const s = db.prepare('SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3');
      const i = s.iterate();
      return [i.next(), i.next(), i.next(), i.next(), i.next()]`,
    '[{done: false, value: {a: 1}}, {done: false, value: {a: 2}}, {done: false, ' +
      'value: {a: 3}}, {done: true, value: null}, {done: true, value: null}]',
  ],
  [
    `
      const db = open();
      const s = db.prepare('SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3');
      const i = s.iterate();
      return [...i]`,
    '[{a: 1}, {a: 2}, {a: 3}]',
  ],
  [
    `
      const db = open();
      const s = db.prepare('SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3');
      const i = s.iterate();
      i.next();
      const end = i.return(5);
      return [end, i.next(), s.get()]`,
    '[{done: true, value: null}, {done: true, value: null}, {a: 1}]',
  ],
  [
    `
      const db = open();
      const s = db.prepare('SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3');
      const i = s.iterate();
      return [i.return(), i.next()]`,
    '[{done: true, value: null}, {done: true, value: null}]',
  ],
  [
    `
      const db = open();
      const s = db.prepare('SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3');
      const i = s.iterate();
      i.next();
      db.close();
      return [attempt(() => i.next()), attempt(() => i.return())]`,
    '["! ERR_INVALID_STATE statement has been finalized", "! ERR_INVALID_STATE ' +
      'statement has been finalized"]',
  ],
  [
    `
      const db = open();
      const s = db.prepare('SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3');
      const i = s.iterate();
      [...i];
      db.close();
      return i.next()`,
    '! ERR_INVALID_STATE statement has been finalized',
  ],
  [
    `
      const db = open();
      const s = db.prepare('SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3');
      const i = s.iterate();
      i.next();
      s.get();
      return [attempt(() => i.next()), attempt(() => i.return())]`,
    '["! ERR_INVALID_STATE iterator was invalidated", {done: true, value: null}]',
  ],
  [
    `
      const db = open();
      const s = db.prepare('SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3');
      const i = s.iterate();
      i.next();
      s.run();
      return [attempt(() => i.next()), attempt(() => i.return())]`,
    '["! ERR_INVALID_STATE iterator was invalidated", {done: true, value: null}]',
  ],
  [
    `
      const db = open();
      const s = db.prepare('SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3');
      const i = s.iterate();
      i.next();
      s.all();
      return [attempt(() => i.next()), attempt(() => i.return())]`,
    '["! ERR_INVALID_STATE iterator was invalidated", {done: true, value: null}]',
  ],
  [
    `
      const db = open();
      const s = db.prepare('SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3');
      const i = s.iterate();
      i.next();
      const j = s.iterate();
      return [j.next(), attempt(() => i.next()), j.next()]`,
    '[{done: false, value: {a: 1}}, "! ERR_INVALID_STATE iterator was invalidated", ' +
      '{done: false, value: {a: 2}}]',
  ],
  [
    `
      const db = open();
      const s = db.prepare('SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3');
      const i = s.iterate();
      i.next();
      s.setReturnArrays(true);
      s.setReadBigInts(true);
      return i.next()`,
    '{done: false, value: [2n]}',
  ],
  ...(['all', 'get', 'iterate'] as const).map((how): Case => {
    const form = { all: 'object 40, number 40, after Array', get: 'object 1, number 1, after Array' };
    return [
      `
      const db = open();
      let s;
      db.function('f', (a) => {
        if (a === ${how === 'get' ? 1 : 20}) {
          s.setReturnArrays(true);
          s.setReadBigInts(true);
        }
        return a;
      });
      s = db.prepare('WITH c(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM c WHERE i<40) SELECT i, f(i) FROM c');
      const found = [s.${how}()].flat().flatMap((row) => (Symbol.iterator in row ? [...row] : [row]));
      const objects = found.filter((row) => !Array.isArray(row)).length;
      const numbers = found.filter((row) => typeof Object.values(row)[0] === 'number').length;
      return 'object ' + objects + ', number ' + numbers + ', after ' + s.get().constructor.name`,
      `"${how === 'iterate' ? 'object 19, number 19, after Array' : form[how]}"`,
    ];
  }),
  [
    `
      const db = open();
      db.exec('CREATE TABLE t(a)');
      let s;
      db.function('f', () => {
        s.setReadBigInts(true);
        return 1;
      });
      s = db.prepare('INSERT INTO t VALUES(f())');
      return [s.run(), s.run()]`,
    '[with prototype {changes: 1, lastInsertRowid: 1}, with prototype {changes: 1n, lastInsertRowid: 2n}]',
  ],
  [
    `
      const db = open();
      const s = db.prepare('SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3');
      const i = s.iterate();
      for (const row of i) break;
      return [db.exec('CREATE TABLE q(a); DROP TABLE q'), s.get()]`,
    '[undefined, {a: 1}]',
  ],
  [
    `
      const db = tables();
      db.exec('INSERT INTO u VALUES (1),(2)');
      for (const row of db.prepare('SELECT * FROM u').iterate()) break;
      return db.exec('DROP TABLE u')`,
    'undefined',
  ],
  [
    `
      const db = open();
      const s = db.prepare('SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3');
      const i = s.iterate();
      for (const row of i) db.close();
      return 1`,
    '! ERR_INVALID_STATE statement has been finalized',
  ],
];
table('statements', statements);

const functions: Case[] = [
  ['open().function(1, () => 1)', '! ERR_INVALID_ARG_TYPE The "name" argument must be a string.'],
  ["open().function('f')", '! ERR_INVALID_ARG_TYPE The "function" argument must be a function.'],
  ["open().function('f', 1)", '! ERR_INVALID_ARG_TYPE The "function" argument must be a function.'],
  ["open().function('f', 1, () => 1)", '! ERR_INVALID_ARG_TYPE The "options" argument must be an object.'],
  ["open().function('f', null, () => 1)", '! ERR_INVALID_ARG_TYPE The "options" argument must be an object.'],
  [
    "open().function('f', undefined, () => 1)",
    '! ERR_INVALID_ARG_TYPE The "options" argument must be an object.',
  ],
  ["open().function('f', {})", '! ERR_INVALID_ARG_TYPE The "function" argument must be a function.'],
  [
    "open().function('f', { useBigIntArguments: 1 }, () => 1)",
    '! ERR_INVALID_ARG_TYPE The "options.useBigIntArguments" argument must be a boolean.',
  ],
  [
    "open().function('f', { varargs: 1 }, () => 1)",
    '! ERR_INVALID_ARG_TYPE The "options.varargs" argument must be a boolean.',
  ],
  [
    "open().function('f', { deterministic: 1 }, () => 1)",
    '! ERR_INVALID_ARG_TYPE The "options.deterministic" argument must be a boolean.',
  ],
  [
    "open().function('f', { directOnly: 1 }, () => 1)",
    '! ERR_INVALID_ARG_TYPE The "options.directOnly" argument must be a boolean.',
  ],
  [
    "open().function('f', Object.defineProperty(() => 1, 'length', { value: 'x' }))",
    '! ERR_INVALID_ARG_TYPE The "function.length" property must be an integer.',
  ],
  [
    "const db = open(); db.function('f', (...a) => 1); return db.prepare('SELECT f(1)').get()",
    '! ERR_SQLITE_ERROR 1 wrong number of arguments to function f()',
  ],
  [
    "const db = open(); db.function('f', { varargs: true }, (...a) => " +
      "JSON.stringify(a)); return db.prepare('SELECT f(1, 2.5, \\'x\\', NULL) AS v').get()",
    '{v: "[1,2.5,\\"x\\",null]"}',
  ],
  [
    `
      const db = open();
      db.function('f', (a, b) => a + b);
      return db.prepare('SELECT f(1)').get()`,
    '! ERR_SQLITE_ERROR 1 wrong number of arguments to function f()',
  ],
  [
    `
      const db = open();
      db.function('f', (a, b) => a + b);
      return db.prepare('SELECT f(1, 2) AS v, typeof(f(1, 2)) AS t').get()`,
    '{v: 3, t: "real"}',
  ],
  [
    `
      const db = open();
      db.function('f', { useBigIntArguments: true }, (a) => a * 2n);
      return db.prepare('SELECT f(4) AS v, typeof(f(1)) AS t').get()`,
    '{v: 8, t: "integer"}',
  ],
  [
    `
      const db = open();
      db.function('f', (a) => a);
      return db.prepare('SELECT f(9007199254740992)').get()`,
    '! ERR_OUT_OF_RANGE Value is too large to be represented as a JavaScript number: ' + '9007199254740992',
  ],
  [
    `
      const db = open();
      db.function('f', () => { throw new RangeError('mine'); });
      return db.prepare('SELECT f()').get()`,
    '! mine',
  ],
  [
    `
      const db = open();
      db.function('f', () => { throw new RangeError('mine'); });
      return db.prepare('SELECT f()').all()`,
    '! mine',
  ],
  [
    `
      const db = open();
      db.function('f', () => { throw new RangeError('mine'); });
      return db.prepare('SELECT f()').run()`,
    '! mine',
  ],
  [
    `
      const db = open();
      db.function('f', () => { throw new RangeError('mine'); });
      return [attempt(() => [...db.prepare('SELECT f()').iterate()]),
        attempt(() => db.exec('SELECT f()')), db.prepare('SELECT 1 AS a').get()]`,
    '["! mine", "! mine", {a: 1}]',
  ],
  [
    `
      const db = open();
      db.function('f', () => { throw 'mine'; });
      return db.prepare('SELECT f()').get()`,
    '! "mine"',
  ],
  [
    `
      const db = open();
      db.function('f', () => { throw undefined; });
      return db.prepare('SELECT f()').get()`,
    '! undefined',
  ],
  [
    `
      const db = open();
      db.function('f', () => 1);
      db.function('f', () => 2);
      return db.prepare('SELECT f() AS v').get()`,
    '{v: 2}',
  ],
  [
    `
      const db = open();
      db.function('f', { directOnly: true }, () => 1);
      db.exec('CREATE VIEW v AS SELECT f() AS x');
      return db.prepare('SELECT * FROM v').get()`,
    '! ERR_SQLITE_ERROR 1 unsafe use of f()',
  ],
  [
    `
      const db = tables();
      db.function('f', { deterministic: true }, (a) => a);
      return db.exec('CREATE INDEX i ON t(f(b))')`,
    'undefined',
  ],
  [
    `
      const db = tables();
      db.function('f', (a) => a);
      return db.exec('CREATE INDEX i ON t(f(b))')`,
    '! ERR_SQLITE_ERROR 1 non-deterministic functions prohibited in index expressions',
  ],
  [
    `
      const db = open();
      db.function('f', () => { db.close(); return 1; });
      return [attempt(() => db.prepare('SELECT f()').get()), db.isOpen]`,
    '["! ERR_INVALID_STATE database cannot be closed while in a callback", true]',
  ],
  [
    `
      const db = open();
      db.function('f', () => { db.close(); return 1; });
      return [attempt(() => db.prepare('SELECT f()').all()), db.isOpen]`,
    '["! ERR_INVALID_STATE database cannot be closed while in a callback", true]',
  ],
  [
    `
      const db = open();
      db.function('f', () => { db.close(); return 1; });
      return [attempt(() => db.prepare('SELECT f()').run()), db.isOpen]`,
    '["! ERR_INVALID_STATE database cannot be closed while in a callback", true]',
  ],
  [
    `
      const db = open();
      db.function('f', () => { db.close(); return 1; });
      return [attempt(() => db.exec('SELECT f()')),
        attempt(() => [...db.prepare('SELECT f()').iterate()]), db.isOpen]`,
    '["! ERR_INVALID_STATE database cannot be closed while in a callback", "! ' +
      'ERR_INVALID_STATE database cannot be closed while in a callback", true]',
  ],
  [
    `
      const db = open();
      db.function('f', () => { db[Symbol.dispose](); return 1; });
      db.exec('SELECT f()');
      return db.isOpen`,
    'true',
  ],
  [
    `
      const db = open();
      let s;
      db.function('f', () => { s.close(); return 1; });
      s = db.prepare('SELECT f()');
      return s.get()`,
    '! ERR_INVALID_STATE statement is already being executed',
  ],
  [
    `
      const db = open();
      let s;
      db.function('f', () => { s.get(); return 1; });
      s = db.prepare('SELECT f()');
      return s.get()`,
    '! ERR_INVALID_STATE statement is already being executed',
  ],
  [
    `
      const db = open();
      let s;
      db.function('f', () => { s.iterate(); return 1; });
      s = db.prepare('SELECT f()');
      return s.get()`,
    '! ERR_INVALID_STATE statement is already being executed',
  ],
  [
    `
      const db = open();
      db.function('f', (a) => db.prepare('SELECT ? + 1 AS v').get(a).v);
      return db.prepare('SELECT f(f(1)) AS v').get()`,
    '{v: 3}',
  ],
  [
    `
      const db = open();
      db.function('g', () => { throw new Error('inner'); });
      db.function('f', () => attempt(() => db.prepare('SELECT g()').get()));
      return db.prepare('SELECT f() AS v').get()`,
    '{v: "! inner"}',
  ],
  [
    `
      const db = open();
      db.function('f', () => db.createSession().close());
      return db.prepare('SELECT f() AS v').get()`,
    '! ERR_INVALID_STATE session cannot be closed while in a callback',
  ],
];
table('functions', functions);
