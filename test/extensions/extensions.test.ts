/** Loading components, and every reason why loading is refused. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../host/kernel/connection.js';
import { noGrants } from '../../host/kernel/grants.js';
import type { Owner } from '../../host/kernel/owner.js';
import { Component } from '../../host/loader/component.js';
import type { Prepared } from '../../host/loader/prepared.js';
import { sharedFolder } from '../kit/folder.js';
import { guest } from '../kit/guests.js';

const folder = sharedFolder('extensions');
let db: DatabaseSync;

beforeEach(() => {
  db = new DatabaseSync(':memory:', { allowExtension: true });
});
afterEach(() => db.close());

function value(sql: string): unknown {
  const row = db.prepare(sql).get();
  return row && Object.values(row)[0];
}

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}

test('a component that was built for contract 1.0.0 still works', () => {
  db.loadExtension(guest('released/session-1.0.0'), { grants: { sql: 'ro' } });
  db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY)');
  db.exec("CREATE TEMP TABLE s AS SELECT session_create('main') AS h");
  expect(value("SELECT session_attach(h, 't') FROM s")).toBe(1);
  db.exec('INSERT INTO t VALUES (1)');
  expect(value('SELECT hex(session_changeset(h)) FROM s')).toBe('54010174001200010000000000000001');
  expect(value('SELECT session_delete(h) FROM s')).toBe(1);
});

describe.each(['direct', 'linked', 'wrapped'])('a component of scalar functions, calls %s', (calls) => {
  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db.loadExtension(guest('echo'));
  });
  afterEach(() => {
    delete process.env.SQLITE_WASM_RUN_CALLS;
  });

  test('is called with every kind of value', () => {
    expect(value('SELECT inc(41)')).toBe(42);
    expect(value("SELECT echo('hé\u{1F600}')")).toBe('hé\u{1F600}');
    expect(value("SELECT hex(echo(x'00ff10'))")).toBe('00FF10');
    expect(value('SELECT echo(2.5)')).toBe(2.5);
    expect(value('SELECT typeof(echo(NULL))')).toBe('null');
    expect(value('SELECT echo(-9223372036854775808) = -9223372036854775808')).toBe(1);
    expect(value('SELECT echo(9223372036854775807) = 9223372036854775807')).toBe(1);
    expect(value("SELECT typeof(echo(''))")).toBe('text');
    expect(value("SELECT typeof(echo(x''))")).toBe('blob');
    expect(value('SELECT length(echo(char(65, 0, 66)))')).toBe(1); // length() stops at U+0000
    expect(value('SELECT hex(echo(char(65, 0, 66)))')).toBe('410042');
  });

  test('keeps U+FEFF at the start of a text', () => {
    expect(value("SELECT echo('\u{FEFF}x')")).toBe('\u{FEFF}x');
  });

  test('receives texts of all characters and lengths completely', () => {
    const echo = db.prepare('SELECT echo(?) AS v');
    for (let length = 1; length < 200; length++) {
      for (const letters of ['a', '\u00e9', '\u0915\n', 'a\u00ff\u1103\n\u{1F642}']) {
        for (const last of ['', '\n', '\u0400', '\u263a']) {
          const text = letters.repeat(length) + last;
          expect(echo.get(text)).toEqual({ v: text });
        }
      }
    }
  });

  test('receives values of megabytes, and frees them', () => {
    for (let i = 0; i < 50; i++) expect(value('SELECT length(echo(zeroblob(5000000)))')).toBe(5_000_000);
  });

  test('has overloads by the number of arguments, and functions of any number', () => {
    expect(value('SELECT pair(1)')).not.toEqual(value('SELECT pair(1, 2)'));
    expect(messageOf(() => value('SELECT pair(1, 2, 3)'))).toBe(
      'wrong number of arguments to function pair()',
    );
    expect(messageOf(() => value('SELECT inc()'))).toBe('wrong number of arguments to function inc()');
  });

  test('can be used in an index only if it is deterministic', () => {
    db.exec('CREATE TABLE t(a); CREATE INDEX i ON t(det(a)); INSERT INTO t VALUES (1), (2)');
    expect(value('SELECT count(*) FROM t WHERE det(a) = det(2)')).toBe(1);
    expect(messageOf(() => db.exec('CREATE INDEX j ON t(inc(a))'))).toBe(
      'non-deterministic functions prohibited in index expressions',
    );
  });

  test('its own error ends the statement with its message, and it can be called again', () => {
    expect(messageOf(() => value('SELECT fail()'))).toBe('failed as asked');
    expect(value('SELECT inc(1)')).toBe(2);
  });

  test('a trap ends the component but not the connection; loading it again replaces it', () => {
    expect(messageOf(() => value('SELECT boom()'))).toMatch(/^boom: component echo trapped: .*unreachable/);
    expect(messageOf(() => value('SELECT inc(1)'))).toMatch(
      /^inc: component echo is no longer usable, because boom failed with ".*unreachable.*"; load it again$/,
    );
    expect(value('SELECT 1 + 1')).toBe(2);
    value(`SELECT load_extension('${guest('echo')}')`);
    expect(value('SELECT inc(1)')).toBe(2);
  });

  test('a value of the wrong type is an error, and the next query works', () => {
    expect(messageOf(() => value('SELECT badtag()'))).toMatch(
      calls === 'direct'
        ? /^badtag: component echo trapped: the component returned a value of the unknown kind 9$/
        : /^badtag: component echo trapped: ./,
    );
    expect(value('SELECT 1')).toBe(1);
  });

  test('a statement that a component fails half way changes nothing', () => {
    db.exec('CREATE TABLE t(a)');
    expect(messageOf(() => db.exec('INSERT INTO t SELECT 1 UNION ALL SELECT fail()'))).toBe(
      'failed as asked',
    );
    expect(value('SELECT count(*) FROM t')).toBe(0);
  });
});

describe('files that cannot be loaded are refused with a message, and the database is unchanged', () => {
  test.each([
    [
      'wants-fs',
      /wants-fs\.wasm requires wasi:filesystem\/types@0\.2\.6: allow it with --allow-fs DIR, or grants\.fs in code$/,
    ],
    [
      'wants-unknown',
      /imports acme:things\/stuff@1\.0\.0, which this host does not offer; it offers sqlite:extension\/session, .*sqlite:extension\/logging/,
    ],
    [
      'wrong-version',
      /is made for sqlite:extension\/session@2\.0\.0; this host supports sqlite:extension@1\.0\.0, [\d.]+$/,
    ],
    ['core', /core\.wasm is a core module, not a component: convert it, for example with jco new$/],
    [
      'other-world',
      /is not an extension: it must export sqlite:extension\/metadata@[\d.]+ and one of scalar-function, .*; found acme:things\/run@1\.0\.0$/,
    ],
    ['traps', /traps\.wasm failed to describe itself: .*unreachable/],
  ])('%s', (name, message) => {
    const functions = value('SELECT count(*) FROM pragma_function_list');
    expect(messageOf(() => db.loadExtension(guest(name)))).toMatch(message);
    expect(value('SELECT count(*) FROM pragma_function_list')).toBe(functions);
    expect(value('SELECT 1')).toBe(1);
  });

  test('no such file', () => {
    expect(messageOf(() => db.loadExtension('nowhere/none.wasm'))).toBe(
      "no such file: nowhere/none.wasm (expected a component's .wasm file, or an included component: changeset, completion, hash, listargs, series, session, stats, text)",
    );
  });

  test.each([
    ['hello', 'not WebAssembly'],
    ['', 'empty'],
    ['SQLite format 3\0', 'an SQLite database'],
    ['\x7fELF\x02', 'a native library'],
    ['(component)', 'WebAssembly as text: convert it with wasm-tools parse'],
  ])('not WebAssembly: %j', (content, what) => {
    const file = join(folder, 'text.wasm');
    writeFileSync(file, content);
    expect(messageOf(() => db.loadExtension(file))).toBe(
      `${file} is ${what}; an extension is a component in WebAssembly`,
    );
  });

  test('a truncated component', () => {
    const file = join(folder, 'short.wasm');
    writeFileSync(file, Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 10, 200));
    expect(messageOf(() => db.loadExtension(file))).toMatch(/short\.wasm: the component is truncated/);
  });

  test('a component that this Node cannot compile', () => {
    const future = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 2, 1, 0x01); // a type that no Node knows
    const prepared: Prepared = {
      name: 'future',
      imports: [],
      exports: [],
      composed: false,
      glue: Buffer.from("(() => (getCoreModule) => getCoreModule('core.wasm'))"),
      hasMemory: () => false,
      module: () => new WebAssembly.Module(future),
    };
    const [connection, owner] = [{} as Connection, {} as Owner]; // components are compiled before they are used
    expect(
      messageOf(() => new Component(connection, prepared, 'future.wasm', 'direct', noGrants, owner)),
    ).toMatch(
      new RegExp(`^Node ${process.version} cannot compile future\\.wasm, which needs a newer version: `),
    );
  });

  test('a folder', () => {
    expect(messageOf(() => db.loadExtension(folder))).toBe(
      `${folder} is a folder: pass the path of a component's .wasm file`,
    );
  });

  test('loading if it is not allowed', () => {
    const closed = new DatabaseSync(':memory:');
    expect(() => closed.loadExtension('session')).toThrow();
    expect(() => closed.prepare("SELECT load_extension('session')").get()).toThrow('not authorized');
    closed.close();
  });
});

test('included components are found in any folder, by name and by the documented path', () => {
  for (const name of ['session', 'session.wasm', 'extensions/session.wasm', './extensions/session.wasm']) {
    const fresh = new DatabaseSync(':memory:', { allowExtension: true });
    fresh.loadExtension(name);
    expect(fresh.prepare("SELECT session_create('main') > 0 AS made").get()).toEqual({ made: 1 });
    fresh.close();
  }
});
