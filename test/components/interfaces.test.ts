/** Every function of the host's interfaces, called with JavaScript values as jco does. */

import { Changeset, DatabaseSync } from 'sqlite-wasm-run';
import { type HostInterfaces, hostInterfaces } from 'sqlite-wasm-run/host';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let db: DatabaseSync;
let session: HostInterfaces['session'];
let changeset: HostInterfaces['changeset'];
beforeEach(() => {
  db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE nk(x)');
  ({ session, changeset } = hostInterfaces(db, { grants: { sql: 'rw' } }));
});
afterEach(() => db.close());

/** The error case of a result. */
function failure(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return (error as { payload?: unknown }).payload ?? error;
  }
  return 'nothing failed';
}

const said = (code: number, message: string | RegExp) =>
  expect.objectContaining({
    code,
    extendedCode: code,
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  });
const rows = (sql = 'SELECT a, b FROM t'): unknown[] =>
  db
    .prepare(sql)
    .all()
    .map((row) => Object.values(row as object));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** The changeset of INSERT INTO t VALUES(1, 'a'). */
const inserted = '54020100740012000100000000000000010301 61'.replace(' ', '');
const patched = inserted.replace(/^54/, '50');

describe('session', () => {
  /** A session that records all tables. */
  const recording = (): bigint => {
    const handle = session.create('main');
    session.attach(handle, undefined);
    return handle;
  };
  const insert = (a = 1): void => db.exec(`INSERT INTO t VALUES(${a}, 'a')`);

  test('session.create returns a handle; the database must exist', () => {
    const handle = session.create('main');
    expect(handle).toBeGreaterThan(0n);
    expect(session.create('MAIN')).toBe(handle + 1n);
    expect(failure(() => session.create('other'))).toEqual(
      said(1, "unknown database 'other'; attached are 'main', 'temp'"),
    );
  });
  test('session.create-with records tables without a key, and counts', () => {
    const handle = session.createWith('main', { rowid: true, size: true });
    session.attach(handle, 'nk');
    db.exec('INSERT INTO nk VALUES(5)');
    const bytes = session.changeset(handle);
    expect([...new Changeset(bytes)].map((change) => change.new)).toEqual([[1n, 5n]]);
    expect(session.changesetSize(handle)).toBeGreaterThanOrEqual(BigInt(bytes.length));
  });
  test('session.attach returns an error with code 27 if a table currently records nothing', () => {
    const handle = session.create('main');
    session.attach(handle, 't');
    session.attach(handle, undefined);
    const nothing = /^\w+ is not recorded now: the table does not exist or has no primary key$/;
    expect(failure(() => session.attach(handle, 'nk'))).toEqual(said(27, nothing));
    expect(failure(() => session.attach(handle, 'later'))).toEqual(said(27, nothing));
  });
  test('session.changeset equals the C library’s output, empty if nothing changed', () => {
    const handle = recording();
    expect(session.changeset(handle)).toEqual(new Uint8Array(0));
    insert();
    expect(hex(session.changeset(handle))).toBe(inserted);
    expect(hex(session.changeset(handle))).toBe(inserted);
  });
  test('session.patchset omits old values', () => {
    const handle = recording();
    insert();
    expect(hex(session.patchset(handle))).toBe(patched);
  });
  test('session.take returns the changes and empties the session', () => {
    const handle = recording();
    insert();
    expect(hex(session.take(handle))).toBe(inserted);
    expect(session.changeset(handle)).toEqual(new Uint8Array(0));
    insert(2);
    expect([...new Changeset(session.take(handle))]).toHaveLength(1);
  });
  test('session.enable and session.indirect set and return a state', () => {
    const handle = recording();
    expect([session.enable(handle, undefined), session.enable(handle, false)]).toEqual([true, false]);
    insert(2);
    expect(session.enable(handle, true)).toBe(true);
    expect([session.indirect(handle, undefined), session.indirect(handle, true)]).toEqual([false, true]);
    insert();
    expect(hex(session.changeset(handle))).toBe(inserted.replace('1200', '1201'));
  });
  test('session.is-empty returns whether anything was recorded, even if it was undone since', () => {
    const handle = recording();
    expect(session.isEmpty(handle)).toBe(true);
    insert();
    db.exec('DELETE FROM t');
    expect(session.isEmpty(handle)).toBe(false);
    expect(session.changeset(handle)).toHaveLength(0);
  });
  test('session.memory-used grows with what is recorded', () => {
    const handle = recording();
    const before = session.memoryUsed(handle);
    db.exec(
      'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT 1000) INSERT INTO t SELECT x, x FROM c',
    );
    expect(session.memoryUsed(handle)).toBeGreaterThan(before + 16_000n);
  });
  test('session.changeset-size must be requested when the session is created', () => {
    expect(failure(() => session.changesetSize(recording()))).toEqual(
      said(21, /^session \d+ does not count its size: create it with the option size$/),
    );
  });
  test('session.diff records the changes that turn one table into another', () => {
    db.exec(
      "ATTACH ':memory:' AS old; CREATE TABLE old.t(a INTEGER PRIMARY KEY, b); CREATE TABLE old.nk(x, y)",
    );
    insert();
    const handle = session.create('main');
    session.diff(handle, 'old', 't');
    expect(hex(session.changeset(handle))).toBe(inserted);
    session.diff(handle, 'old', 'nk'); // as in C, a table that records nothing is not an error
    expect(hex(session.changeset(handle))).toBe(inserted);
  });
  test('session.filter records only tables that match the globs', () => {
    db.exec('CREATE TABLE log_a(a INTEGER PRIMARY KEY); CREATE TABLE log_b(a INTEGER PRIMARY KEY)');
    const handle = recording();
    session.filter(handle, ['log_*', '!*_b']);
    insert();
    db.exec('INSERT INTO log_a VALUES(1); INSERT INTO log_b VALUES(1)');
    expect([...new Changeset(session.changeset(handle))].map(({ table }) => table)).toEqual(['log_a']);
  });
  test('session.warnings lists what is not recorded', () => {
    const handle = session.create('main');
    session.attach(handle, 't');
    expect(session.warnings(handle)).toEqual([]);
    session.attach(handle, undefined);
    expect(session.warnings(handle)).toEqual([
      {
        kind: 'no-key',
        table: 'nk',
        message:
          'nk: a table without a PRIMARY KEY is not recorded; create the session with the option rowid',
      },
    ]);
  });
  test('session.sessions lists them, oldest first', () => {
    const [one, two] = [recording(), session.create('temp')];
    session.enable(two, false);
    expect(session.sessions()).toEqual([
      {
        h: one,
        dbname: 'main',
        tables: ['*'],
        enabled: true,
        indirect: false,
        empty: true,
        bytes: expect.any(BigInt),
      },
      {
        h: two,
        dbname: 'temp',
        tables: [],
        enabled: false,
        indirect: false,
        empty: true,
        bytes: expect.any(BigInt),
      },
    ]);
  });
  test('session.delete ends a session; a deleted handle is distinguished from an unknown one', () => {
    const handle = recording();
    session.delete(handle);
    expect(failure(() => session.delete(handle))).toEqual(said(12, `session ${handle} was already deleted`));
    expect(failure(() => session.changeset(handle))).toEqual(
      said(21, `session ${handle} was already deleted`),
    );
    const other = new DatabaseSync(':memory:');
    const theirs = hostInterfaces(other).session.create('main');
    expect(failure(() => session.delete(theirs))).toEqual(said(21, /belongs to another connection/));
    expect(failure(() => session.delete(7n))).toEqual(said(21, /^unknown session 7: a handle comes from/));
    other.close();
  });
});

describe('changeset', () => {
  const held = (text: string): number => {
    const number = changeset.create();
    changeset.append(number, new Uint8Array(Buffer.from(text, 'hex')));
    return number;
  };
  const bytesOf = (number: number): string => hex(changeset.read(number, 0n, 1_000_000));

  test('changeset.create, changeset.append, changeset.size and changeset.read: in pieces, both ways', () => {
    const number = changeset.create();
    expect([changeset.size(number), bytesOf(number)]).toEqual([0n, '']);
    for (const byte of Buffer.from(inserted, 'hex')) changeset.append(number, Uint8Array.of(byte));
    expect(changeset.size(number)).toBe(20n);
    expect(bytesOf(number)).toBe(inserted);
    expect(hex(changeset.read(number, 18n, 9))).toBe('0161');
    expect(changeset.read(number, 2n ** 60n, 9)).toHaveLength(0);
  });
  test('changeset.drop frees a changeset, whose handle is then invalid', () => {
    const number = held(inserted);
    changeset.drop(number);
    expect(failure(() => changeset.size(number))).toEqual(
      said(21, `unknown changeset ${number}: it was dropped or never existed`),
    );
    const next = held(inserted); // has a number of its own, so that the old one is not taken for it
    expect(failure(() => changeset.drop(number))).toEqual(
      said(21, `unknown changeset ${number}: it was dropped or never existed`),
    );
    expect(bytesOf(next)).toBe(inserted);
  });
  test('changeset.append fails if a GiB is held', () => {
    const number = changeset.create();
    const piece = new Uint8Array(2 ** 28);
    for (let i = 0; i < 4; i++) changeset.append(number, piece);
    const full = said(
      13,
      'the changesets of the connection are limited to 1073741824 bytes: drop unused ones',
    );
    expect(failure(() => changeset.append(number, Uint8Array.of(1)))).toEqual(full);
    expect(failure(() => held(inserted))).toEqual(full);
    changeset.drop(number);
    expect(bytesOf(held(inserted))).toBe(inserted);
  });
  test('changeset.validate returns the wrong byte and the reason', () => {
    expect(changeset.validate(held(inserted))).toBeUndefined();
    expect(changeset.validate(held(inserted.slice(0, -2)))).toEqual({
      offset: expect.any(BigInt),
      reason: expect.stringMatching(/\w/),
    });
    expect(changeset.validate(held('00'))).toEqual({ offset: 0n, reason: expect.any(String) });
  });
  test('the memory that the host holds for a client is bounded', () => {
    const codec = Buffer.from('540201006d00', 'hex'); // 2 columns
    const one = Buffer.from('120001000000000000000105', 'hex'); // INSERT of 1, NULL
    const many = Buffer.concat([codec, ...Array.from({ length: 20_000 }, () => one)]);
    const { changeset: poor } = hostInterfaces(db, { grants: { memory: 2 ** 20 } });
    const number = poor.create();
    poor.append(number, many);
    const page = poor.changes(number, 0n, 100_000_000);
    expect(page.changes).toHaveLength(4096);
    let count = 4096;
    for (let { next } = page; next !== undefined; ) {
      const more = poor.changes(number, next, 100_000_000);
      count += more.changes.length;
      next = more.next;
    }
    expect(count).toBe(20_000);
    const tooLarge = said(
      18,
      'the changeset is too large to convert to text within 1048576 bytes: use changes to read it page by page',
    );
    expect(failure(() => poor.toJson(number))).toEqual(tooLarge);
    expect(failure(() => poor.toSql(number))).toEqual(tooLarge);
    expect(JSON.parse(poor.toJson(held(inserted))).tables).toHaveLength(1);
  });
  test('changeset.changes are read page by page', () => {
    const handle = session.create('main');
    session.attach(handle, undefined);
    db.exec("INSERT INTO t VALUES(1, 'a'), (2, NULL), (3, 2.5)");
    const number = held(hex(session.changeset(handle)));
    const first = changeset.changes(number, 0n, 2);
    expect(first.changes).toHaveLength(2);
    const rest = changeset.changes(number, first.next ?? 0n, 5);
    expect(rest.next).toBeUndefined();
    const all = [...first.changes, ...rest.changes];
    expect(all.map((change) => change.new)).toEqual(
      expect.arrayContaining([
        [
          { tag: 'value', val: { tag: 'integer', val: 1n } },
          { tag: 'value', val: { tag: 'text', val: 'a' } },
        ],
        [
          { tag: 'value', val: { tag: 'integer', val: 2n } },
          { tag: 'value', val: { tag: 'null' } },
        ],
      ]),
    );
    expect(all[0]).toMatchObject({
      table: 't',
      op: 'insert',
      indirect: false,
      key: Uint8Array.of(1, 0),
      old: [],
    });
    expect(failure(() => changeset.changes(held('5402'), 0n, 1))).toEqual(said(11, /\w/));
  });
  test('changeset.column-names come from the schema if it fits', () => {
    db.exec('CREATE TABLE g(a INTEGER PRIMARY KEY, v AS (a + 1), b)');
    expect(changeset.columnNames('g', 2)).toEqual(['a', 'b']);
    expect(changeset.columnNames('g', 3)).toEqual(['c1', 'c2', 'c3']);
    expect(changeset.columnNames('none', 1)).toEqual(['c1']);
  });
  test('changeset.invert inverts; a patchset cannot be inverted', () => {
    expect(bytesOf(changeset.invert(held(inserted)))).toBe(inserted.replace('740012', '740009'));
    expect(failure(() => changeset.invert(held(patched)))).toEqual(said(11, /patchset/));
  });
  test('changeset.concat joins several, and completes older ones by a schema', () => {
    const undone = changeset.invert(held(inserted));
    expect(bytesOf(changeset.concat(Uint32Array.of(held(inserted), undone), undefined))).toBe('');
    db.exec("ALTER TABLE t ADD COLUMN c DEFAULT 'x'");
    expect(bytesOf(changeset.concat(Uint32Array.of(held(inserted)), 'main'))).toBe(
      '5403010000740012000100000000000000010301610301 78'.replace(' ', ''),
    );
    expect(failure(() => changeset.concat(Uint32Array.of(held(inserted), held(patched)), undefined))).toEqual(
      said(1, 'concat: changesets and patchsets cannot be mixed'),
    );
  });
  test('changeset.build makes a changeset from values', () => {
    const { changes } = changeset.changes(held(inserted), 0n, 1);
    expect(bytesOf(changeset.build(changes, false))).toBe(inserted);
    expect(bytesOf(changeset.build(changes, true))).toBe(patched);
  });
  test('changeset.apply returns a report, and changeset.rebase uses its rebase buffer', () => {
    db.exec("INSERT INTO t VALUES(1, 'ours')");
    const report = JSON.parse(changeset.apply(held(inserted), '{"policy":"ours"}'));
    expect(report).toMatchObject({ applied: true, changes: 0, tables: [{ table: 't', omitted: 1 }] });
    expect(rows()).toEqual([[1, 'ours']]);
    const theirs = JSON.parse(changeset.apply(held(inserted), '{"policy":"theirs"}'));
    expect(rows()).toEqual([[1, 'a']]);
    const local = held(inserted.replace(/61$/, '62'));
    const buffer = new Uint8Array(Buffer.from(theirs.rebase, 'hex'));
    expect(bytesOf(changeset.rebase(local, [buffer]))).toBe('540201007400'); // the table, and no change of it
    expect(failure(() => changeset.rebase(local, [Uint8Array.of(1, 2, 3)]))).toEqual(
      said(11, 'rebase: a rebase buffer is malformed'),
    );
  });
  test('changeset.apply names unknown options, and refuses to run without the grant', () => {
    const number = held(inserted);
    expect(failure(() => changeset.apply(number, '{"polizy":1}'))).toEqual(
      said(21, /^unknown option "polizy"; did you mean "policy"/),
    );
    expect(failure(() => changeset.apply(number, '{"changesets":[]}'))).toEqual(said(21, /"changesets"/));
    expect(failure(() => changeset.apply(number, '{"constructor":1}'))).toEqual(said(21, /"constructor"/));
    expect(failure(() => changeset.apply(number, '5'))).toEqual(said(21, /must be an object/));
    expect(failure(() => changeset.apply(number, '{'))).toEqual(said(21, /^not JSON: /));
    const confined = hostInterfaces(db, { grants: { sql: 'ro' } }).changeset;
    expect(failure(() => confined.apply(number, '{}'))).toEqual(said(23, /allow it with --allow-sql$/));
    expect(rows()).toEqual([]);
  });
  test('changeset.to-json and changeset.from-json convert without loss', () => {
    const json = changeset.toJson(held(inserted));
    expect(JSON.parse(json)).toMatchObject({ tables: [{ name: 't' }] });
    expect(bytesOf(changeset.fromJson(json))).toBe(inserted);
    expect(failure(() => changeset.fromJson('{"tables":5}'))).toEqual(said(11, 'format must be 1'));
  });
  test('changeset.to-sql and changeset.statistics describe a changeset', () => {
    expect(changeset.toSql(held(inserted)).trim()).toBe(`INSERT INTO "t"("a", "b") VALUES(1, 'a');`);
    expect(JSON.parse(changeset.statistics(held(inserted)))).toEqual([
      expect.objectContaining({ table: 't', inserts: 1, updates: 0, deletes: 0 }),
    ]);
  });
});
