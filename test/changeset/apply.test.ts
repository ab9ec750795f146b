/** Applying changesets: flags, filters, handlers, policies, reports, and changes that SQLite silently skips. */

import { Changeset, ChangesetGroup, constants, DatabaseSync, type ReportOptions } from 'sqlite-wasm-run';
import { afterEach, describe, expect, test } from 'vitest';
import { failure } from '../kit/outcome.js';

const opened: DatabaseSync[] = [];
afterEach(() => {
  for (const db of opened.splice(0)) if (db.isOpen) db.close();
});

function database(sql = ''): DatabaseSync {
  const db = new DatabaseSync(':memory:', { enableForeignKeyConstraints: true });
  opened.push(db);
  db.exec(sql);
  return db;
}

/** The changeset of `sql`, run on a database with `schema`. */
function changesOf(schema: string, sql: string): Changeset {
  const db = database(schema);
  using session = db.createSession();
  db.exec(sql);
  return new Changeset(session.changeset());
}

const rows = (db: DatabaseSync, sql = 'SELECT * FROM t ORDER BY 1'): unknown[] =>
  db
    .prepare(sql)
    .all()
    .map((row) => Object.values(row));

const schema = 'CREATE TABLE t(a INTEGER PRIMARY KEY, b, c);';
const three = `${schema} INSERT INTO t VALUES (1,'x',1.5),(2,NULL,x'01'),(3,-7,0);`;

describe('a changeset as an object', () => {
  test('its changes are read with their types, keys and operations', () => {
    const changes = changesOf(
      three,
      "UPDATE t SET b='y' WHERE a=1; DELETE FROM t WHERE a=2; INSERT INTO t VALUES(4,5,6.0)",
    );
    const found = [...changes].sort((x, y) => x.op.localeCompare(y.op));
    expect(found).toEqual([
      {
        table: 't',
        op: 'delete',
        indirect: false,
        key: [1, 0, 0],
        patchset: false,
        old: [2n, null, new Uint8Array([1])],
        new: [],
      },
      {
        table: 't',
        op: 'insert',
        indirect: false,
        key: [1, 0, 0],
        patchset: false,
        old: [],
        new: [4n, 5n, 6],
      },
      {
        table: 't',
        op: 'update',
        indirect: false,
        key: [1, 0, 0],
        patchset: false,
        old: [1n, 'x', undefined],
        new: [undefined, 'y', undefined],
      },
    ]);
  });
  test('a key in another order than the columns keeps its places', () => {
    const [change] = changesOf(
      'CREATE TABLE t(a,b,c, PRIMARY KEY(c,a)) WITHOUT ROWID',
      'INSERT INTO t VALUES(1,2,3)',
    );
    expect(change?.key).toEqual([2, 0, 1]);
  });
  test('its inverse undoes it', () => {
    const db = database(three);
    using session = db.createSession();
    const before = rows(db);
    db.exec("UPDATE t SET b='z'; DELETE FROM t WHERE a=3; INSERT INTO t VALUES(7,8,9)");
    const changes = new Changeset(session.changeset());
    db.applyChangeset(changes.invert());
    expect(rows(db)).toEqual(before);
    expect(changes.concat(changes.invert()).isEmpty).toBe(true);
  });
  test('a patchset has no inverse, and is not mixed with a changeset', () => {
    const db = database(three);
    using session = db.createSession();
    db.exec('UPDATE t SET b=0');
    const patch = new Changeset(session.patchset());
    expect(patch.isPatchset).toBe(true);
    expect(failure(() => patch.invert())).toBe('invert: a patchset has no old values, so it has no inverse');
    expect(failure(() => patch.concat(session.changeset()))).toBe(
      'concat: changesets and patchsets cannot be mixed',
    );
  });
  test('an empty changeset is read, inverted, joined and applied', () => {
    const empty = new Changeset(new Uint8Array(0));
    expect([...empty]).toEqual([]);
    expect(empty.invert().isEmpty).toBe(true);
    expect(empty.concat(empty).isEmpty).toBe(true);
    expect(database(schema).applyChangeset(empty)).toBe(true);
  });
  test('it is built from values, as a changeset and as a patchset', () => {
    const db = database(three);
    const update = { table: 't', op: 'update', indirect: true, key: [1, 0, 0], patchset: false } as const;
    const change = { ...update, old: [1n, 'x', undefined], new: [undefined, null, undefined] };
    const made = Changeset.of(db, [change]);
    expect([...made]).toEqual([change]);
    db.applyChangeset(made);
    expect(rows(db)[0]).toEqual([1, null, 1.5]);
    expect(Changeset.of(db, [change], { patchset: true }).isPatchset).toBe(true);
    expect(failure(() => Changeset.of(db, [{ ...change, table: 'nothere' }]))).toMatch(/nothere/);
  });
  test('a changeset made before a column was added joins one made after', () => {
    const before = changesOf(schema, 'INSERT INTO t VALUES(1,2,3)');
    const wide = `${schema} ALTER TABLE t ADD COLUMN d DEFAULT 'dd';`;
    const after = changesOf(wide, 'INSERT INTO t VALUES(4,5,6,7)');
    expect(failure(() => before.concat(after))).toBe(
      'concat: the changesets differ in the columns or the key of a table',
    );
    using group = new ChangesetGroup();
    group.schema(database(wide));
    group.add(before);
    group.add(after);
    expect([...group.output()].map((change) => change.new).sort()).toEqual([
      [1n, 2n, 3n, 'dd'],
      [4n, 5n, 6n, 7n],
    ]);
  });
});

describe('applyChangeset', () => {
  test('a handler sees the kind, the change and the conflicting row', () => {
    const changes = changesOf(three, "UPDATE t SET b='new' WHERE a=1");
    const db = database(`${schema} INSERT INTO t VALUES (1,'mine',1.5)`);
    const seen: unknown[] = [];
    const done = db.applyChangeset(changes, {
      onConflict(kind, { table, op, old, new: fresh, conflicting, foreignKeyViolations }) {
        seen.push({ kind, table, op, old, fresh, conflicting, foreignKeyViolations });
        return constants.SQLITE_CHANGESET_REPLACE;
      },
    });
    expect(done).toBe(true);
    expect(seen).toEqual([
      {
        kind: constants.SQLITE_CHANGESET_DATA,
        table: 't',
        op: 'update',
        old: [1n, 'x', undefined],
        fresh: [undefined, 'new', undefined],
        conflicting: [1n, 'mine', 1.5],
        foreignKeyViolations: 0,
      },
    ]);
    expect(rows(db)).toEqual([[1, 'new', 1.5]]);
  });
  test('a conflict that is read after its handler is an error, not a crash', () => {
    const changes = changesOf(three, 'DELETE FROM t WHERE a=1');
    let kept: { table: string } | undefined;
    database(schema).applyChangeset(changes, {
      onConflict(_kind, conflict) {
        kept = conflict;
        return constants.SQLITE_CHANGESET_OMIT;
      },
    });
    expect(failure(() => kept?.table)).toBe('a conflict can be read only while its handler runs');
  });
  test('an exception of a handler or filter is rethrown unchanged, and nothing is applied', () => {
    const changes = changesOf(schema, 'INSERT INTO t VALUES(1,2,3),(2,3,4)');
    const error = new Error('no');
    const thrower = (): never => {
      throw error;
    };
    for (const options of [{ onConflict: thrower }, { filter: thrower }, { filterChange: thrower }]) {
      const db = database(`${schema} INSERT INTO t VALUES(2,0,0)`);
      let caught: unknown;
      try {
        db.applyChangeset(changes, options);
      } catch (thrown) {
        caught = thrown;
      }
      expect(caught).toBe(error);
      expect(rows(db)).toEqual([[2, 0, 0]]);
    }
  });
  test('SQL runs in a handler; closing the database there is refused', () => {
    const changes = changesOf(schema, 'INSERT INTO t VALUES(1,2,3)');
    const db = database(`${schema} INSERT INTO t VALUES(1,0,0); CREATE TABLE log(x)`);
    db.applyChangeset(changes, {
      onConflict() {
        db.exec("INSERT INTO log VALUES('met')");
        expect(failure(() => db.close())).toBe('database cannot be closed while in a callback');
        return constants.SQLITE_CHANGESET_OMIT;
      },
    });
    expect(rows(db, 'SELECT * FROM log')).toEqual([['met']]);
  });
  test('single changes are filtered', () => {
    const changes = changesOf(schema, 'INSERT INTO t VALUES(1,2,3),(2,3,4),(3,4,5)');
    const db = database(schema);
    db.applyChangeset(changes, { filterChange: (change) => change.new[0] !== 2n });
    expect(rows(db)).toEqual([
      [1, 2, 3],
      [3, 4, 5],
    ]);
  });
  test('a changeset can be given in pieces of any length', () => {
    const values = Array.from({ length: 500 }, (_, i) => `(${i},'${'x'.repeat(i)}',NULL)`).join();
    const changes = changesOf(schema, `INSERT INTO t VALUES ${values}`);
    const whole = database(schema);
    whole.applyChangeset(changes);
    for (const size of [1, 7, 1000, 1e6]) {
      const pieces = function* (): Generator<Uint8Array> {
        for (let i = 0; i < changes.bytes.length; i += size) yield changes.bytes.subarray(i, i + size);
      };
      const db = database(schema);
      expect(db.applyChangeset(pieces())).toBe(true);
      expect(rows(db)).toEqual(rows(whole));
    }
  });
  test('flags: invert, ignoreNoop, fkNoAction, noUpdateLoop', () => {
    const inserted = changesOf(schema, 'INSERT INTO t VALUES(1,2,3)');
    const db = database(`${schema} INSERT INTO t VALUES(1,2,3)`);
    expect(db.applyChangeset(inserted)).toBe(false);
    expect(db.applyChangeset(inserted, { ignoreNoop: true })).toBe(true);
    expect(db.applyChangeset(inserted, { invert: true })).toBe(true);
    expect(rows(db)).toEqual([]);

    const unique = 'CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE); INSERT INTO t VALUES(1,1),(2,2);';
    const swap = changesOf(
      unique,
      'UPDATE t SET b=-1 WHERE a=1; UPDATE t SET b=1 WHERE a=2; UPDATE t SET b=2 WHERE a=1',
    );
    let conflicts = 0;
    const onConflict = (): number => {
      conflicts += 1;
      return constants.SQLITE_CHANGESET_OMIT;
    };
    database(unique).applyChangeset(swap, { onConflict });
    expect(conflicts).toBe(0);
    database(unique).applyChangeset(swap, { onConflict, noUpdateLoop: true });
    expect(conflicts).toBe(2);

    const family =
      'CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE t(a INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE); INSERT INTO p VALUES(1); INSERT INTO t VALUES(5,1);';
    const gone = changesOf(family, 'DELETE FROM p');
    conflicts = 0;
    database(family).applyChangeset(gone, { onConflict });
    expect(conflicts).toBe(1);
    database(family).applyChangeset(gone, { onConflict, fkNoAction: true });
    expect(conflicts).toBe(1);
  });
  test('damaged bytes are an error that changes nothing', () => {
    const { bytes } = changesOf(schema, 'INSERT INTO t VALUES(1,2,3),(2,3,4)');
    const db = database(schema);
    expect(failure(() => db.applyChangeset(bytes.subarray(0, bytes.length - 3)))).toMatch(/malformed/);
    expect(rows(db)).toEqual([]);
  });
});

describe('apply reports', () => {
  const apply = (target: string, changes: Changeset | Changeset[], options?: ReportOptions) => {
    const db = database(target);
    const report = db.apply(changes, options);
    return { db, report, rows: rows(db) };
  };
  const clash = (): Changeset => changesOf(schema, "INSERT INTO t VALUES(1,'theirs',0),(2,'new',0)");
  const mine = `${schema} INSERT INTO t VALUES(1,'mine',0);`;

  test('policies: abort, ours, theirs, append-only', () => {
    expect(apply(mine, clash())).toMatchObject({
      report: { applied: false, changes: 0 },
      rows: [[1, 'mine', 0]],
    });
    const ours = apply(mine, clash(), { policy: 'ours' });
    expect(ours.rows).toEqual([
      [1, 'mine', 0],
      [2, 'new', 0],
    ]);
    expect(ours.report).toMatchObject({
      applied: true,
      changes: 1,
      tables: [{ table: 't', inserted: 1, omitted: 1, replaced: 0, conflicts: { conflict: 1 } }],
    });
    const theirs = apply(mine, clash(), { policy: 'theirs' });
    expect(theirs.rows[0]).toEqual([1, 'theirs', 0]);
    expect(theirs.report.tables[0]).toMatchObject({ inserted: 2, omitted: 0, replaced: 1 });
    const deleted = changesOf(three, 'DELETE FROM t WHERE a=3');
    expect(apply(mine, deleted, { policy: 'append-only' }).report.applied).toBe(false);
    expect(apply(mine, clash(), { policy: 'append-only' }).report.applied).toBe(true);
  });
  test('rules: the first that matches decides, by table, operation and kind', () => {
    const policy = [
      { table: 'x*', action: 'abort' },
      { op: 'insert', conflict: 'conflict', action: 'replace' },
    ] as const;
    expect(apply(mine, clash(), { policy }).rows[0]).toEqual([1, 'theirs', 0]);
  });
  test('a wrong policy or option is refused at once, by name', () => {
    const db = database(schema);
    const message = (options: object): string => failure(() => db.apply(clash(), options as ReportOptions));
    expect(message({ policy: 'mine' })).toBe(
      'unknown policy "mine"; choose one of abort, ours, theirs, append-only',
    );
    expect(message({ policy: [{ conflict: 'notfound', action: 'replace' }] })).toBe(
      'The action replace of policy rule 1 is possible only for the conflicts data and conflict.',
    );
    expect(message({ policy: [{ tabel: 'x', action: 'omit' }] })).toBe(
      'unknown member "tabel" in policy rule 1; did you mean "table"?',
    );
    expect(message({ dryrun: true })).toMatch(/^unknown option "dryrun"; did you mean "dryRun"\?$/);
    expect(rows(db)).toEqual([]);
  });
  test('replacing what cannot be replaced is an error', () => {
    const deleted = changesOf(three, 'DELETE FROM t WHERE a=3');
    const onConflict = (): number => constants.SQLITE_CHANGESET_REPLACE;
    expect(failure(() => apply(mine, deleted, { onConflict }))).toBe(
      'A notfound conflict cannot be resolved by replace: omit the change or abort.',
    );
  });
  test('a dry run reports the result and changes nothing', () => {
    const found = apply(mine, clash(), { policy: 'theirs', dryRun: true });
    expect(found.report).toMatchObject({ applied: true, dryRun: true, changes: 2 });
    expect(found.rows).toEqual([[1, 'mine', 0]]);
  });
  test('progress is reported in bytes, each counted twice, with the same result', () => {
    const rows = 'WITH RECURSIVE c(i) AS (SELECT 4 UNION ALL SELECT i+1 FROM c WHERE i<9000)';
    const first = changesOf(three, `${rows} INSERT INTO t SELECT i, hex(i), i FROM c`).bytes;
    const second = changesOf(three, 'UPDATE t SET b=5').bytes;
    const total = 2 * (first.length + second.length);
    const db = database(three);
    const told: number[][] = [];
    const report = db.apply([first, second], { onProgress: (...numbers) => told.push(numbers) });
    expect(report).toEqual(database(three).apply([first, second]));
    expect(told.every(([done, all], i) => all === total && Number(done) > (told[i - 1]?.[0] ?? 0))).toBe(
      true,
    );
    expect(told.length).toBeGreaterThan(4);
    expect(told.at(-1)).toEqual([total, total]);
    const undone: number[][] = [];
    const entries = [first, second].map((bytes) => ({ kind: 'changeset', bytes }) as const);
    db.applyCapture(entries, { invert: true, onProgress: (...numbers) => undone.push(numbers) });
    expect(undone.at(-1)).toEqual([total, total]);
    expect(db.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 3 });
  });
  test('several changesets are applied all or none', () => {
    const first = changesOf(schema, "INSERT INTO t VALUES(9,'a',0)");
    expect(apply(mine, [first, clash()])).toMatchObject({
      report: { applied: false },
      rows: [[1, 'mine', 0]],
    });
    expect(apply(schema, [first, clash()]).rows).toHaveLength(3);
  });
  test('what SQLite silently skips: a missing table, fewer columns, another key', () => {
    const changes = changesOf(
      'CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); CREATE TABLE gone(a PRIMARY KEY); CREATE TABLE k(a, b, PRIMARY KEY(a,b))',
      'INSERT INTO t VALUES(1,2,3); INSERT INTO gone VALUES(1); INSERT INTO k VALUES(1,2)',
    );
    const target = 'CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE k(a PRIMARY KEY, b);';
    const { report } = apply(target, changes);
    expect(report.warnings.map(({ message }) => message).sort()).toEqual([
      'gone: the table does not exist, so its changes are skipped',
      'k: its PRIMARY KEY differs from that of the changes, which are skipped',
      't: it has 2 columns, but the changes have 3: they are skipped',
    ]);
    expect(report).toMatchObject({ applied: true, changes: 0 });
    expect(report.tables.map(({ table, skipped }) => [table, skipped]).sort()).toEqual([
      ['gone', 1],
      ['k', 1],
      ['t', 1],
    ]);
    expect(failure(() => apply(target, changes, { refuse: ['missing-table'] }))).toBe(
      'refused: gone: the table does not exist, so its changes are skipped',
    );
  });
  test('more columns and triggers on the target are reported', () => {
    const target = `CREATE TABLE t(a INTEGER PRIMARY KEY, b, c, d DEFAULT 'dd');
      CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END;`;
    const { report, rows: found } = apply(target, clash());
    expect(report.warnings.map(({ kind }) => kind)).toEqual(['more-columns', 'triggers']);
    expect(found[0]).toEqual([1, 'theirs', 0, 'dd']);
  });
  test('violated foreign keys are counted; every policy aborts, but a rule can allow them', () => {
    const family =
      'CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE t(a INTEGER PRIMARY KEY, p REFERENCES p);';
    const changes = changesOf(`${family} INSERT INTO p VALUES(1);`, 'INSERT INTO t VALUES(1,1)');
    expect(apply(family, changes, { policy: 'theirs' }).report).toMatchObject({
      applied: false,
      foreignKeyViolations: 1,
      problems: ['row 1 of "t" refers to no row of "p"'],
    });
    const policy = [{ conflict: 'foreign-key', action: 'omit' }] as const;
    expect(apply(family, changes, { policy }).report).toMatchObject({
      applied: true,
      foreignKeyViolations: 1,
    });
    const checked = apply(family, changes, { policy, check: true });
    expect(checked).toMatchObject({ report: { applied: false }, rows: [] });
    expect(checked.report.problems).toEqual(['row 1 of "t" refers to no row of "p"']);
  });
  test('tables by globs', () => {
    const both = 'CREATE TABLE t(a INTEGER PRIMARY KEY); CREATE TABLE u(a INTEGER PRIMARY KEY);';
    const changes = changesOf(both, 'INSERT INTO t VALUES(1); INSERT INTO u VALUES(1)');
    const { db, report } = apply(both, changes, { tables: ['*', '!u'] });
    expect(rows(db)).toEqual([[1]]);
    expect(rows(db, 'SELECT * FROM u')).toEqual([]);
    expect(report.tables.map(({ table, filtered }) => [table, filtered])).toEqual([
      ['t', 0],
      ['u', 1],
    ]);
  });
  test('local changes are rebased on what was applied before them', () => {
    const base = `${schema} INSERT INTO t VALUES(1,'base',0);`;
    const local = database(base);
    using session = local.createSession();
    local.exec("UPDATE t SET b='local' WHERE a=1");
    const localChanges = new Changeset(session.changeset());
    const remoteChanges = changesOf(base, "UPDATE t SET b='remote', c=7 WHERE a=1");
    const report = local.apply(remoteChanges, { policy: 'ours' });
    const rebased = localChanges.rebase(report.rebase);
    const remote = database(base);
    remote.apply(remoteChanges);
    remote.apply(rebased);
    expect(rows(remote)).toEqual([[1, 'local', 7]]);
  });
  test('applyChangeset returns the rebase buffer, unless a conflict aborts it', () => {
    const base = `${schema} INSERT INTO t VALUES(1,'base',0);`;
    const changes = changesOf(base, "UPDATE t SET b='remote' WHERE a=1; INSERT INTO t VALUES(2,'new',1)");
    const changed = `${base} UPDATE t SET b='local' WHERE a=1;`;
    const report = database(changed).apply(changes, { policy: 'ours' });
    const buffers: Uint8Array[] = [];
    const onRebase = (buffer: Uint8Array): void => void buffers.push(buffer);
    const onConflict = (): number => constants.SQLITE_CHANGESET_OMIT;
    expect(database(changed).applyChangeset(changes, { onConflict, onRebase })).toBe(true);
    expect(database(changed).applyChangeset([changes.bytes], { onConflict, onRebase })).toBe(true);
    expect(database(changed).applyChangeset(changes, { onRebase })).toBe(false);
    expect(database(base).applyChangeset(changes, { onRebase })).toBe(true);
    expect(report.rebase.length).toBeGreaterThan(0);
    expect(buffers).toEqual([report.rebase, report.rebase, new Uint8Array(0)]);
  });
  test('apply with a report refuses noSavepoint, because it is atomic', () => {
    const options = { noSavepoint: true } as ReportOptions;
    expect(failure(() => database(schema).apply(clash(), options))).toMatch(/noSavepoint/);
  });
  test('within a transaction it does not commit', () => {
    const db = database(schema);
    db.exec('BEGIN');
    db.apply(clash());
    db.exec('ROLLBACK');
    expect(rows(db)).toEqual([]);
  });
  test('while a statement writes it is refused with a message', () => {
    const db = database(mine);
    let message = '';
    db.function('go', () => {
      message = failure(() => db.apply(clash(), { policy: 'ours' }));
      return 1;
    });
    db.exec('CREATE TABLE o(x); INSERT INTO o SELECT go()');
    expect(message).toMatch(/^a changeset cannot be applied while a statement of the same connection writes/);
  });
});
