/** Groups, rebasing and streams of changesets: operations that need no database. */

import { type Change, Changeset, ChangesetGroup, constants, DatabaseSync, Rebaser } from 'sqlite-wasm-run';
import { changes as codecChanges } from 'sqlite-wasm-run/changeset';
import { afterEach, describe, expect, test } from 'vitest';
import { failure } from '../kit/outcome.js';

const opened: DatabaseSync[] = [];
afterEach(() => {
  for (const db of opened.splice(0)) if (db.isOpen) db.close();
});

function database(sql: string): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  opened.push(db);
  db.exec(sql);
  return db;
}

const schema = 'CREATE TABLE t(a INTEGER PRIMARY KEY, b, c);';

function changesOf(sql: string, before = ''): Changeset {
  const db = database(schema + before);
  const session = db.createSession();
  db.exec(sql);
  return new Changeset(session.changeset());
}

const many = (): Changeset =>
  changesOf(
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000) INSERT INTO t SELECT i, hex(i), i*1.5 FROM n',
  );

function* pieces({ bytes }: Changeset, size = 700): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

function gathered(write: (take: (piece: Uint8Array) => void) => void): {
  bytes: Uint8Array;
  lengths: number[];
} {
  const all: Uint8Array[] = [];
  write((piece) => all.push(piece));
  return { bytes: new Uint8Array(Buffer.concat(all)), lengths: all.map(({ length }) => length) };
}

test('a group cannot be used within its own callbacks, nor its schema be closed there', () => {
  const whole = many();
  const misuse = 'group: the changeset group cannot be used in its own callback';
  const group = new ChangesetGroup();
  group.add(whole);
  for (const use of [() => group.close(), () => group.add(whole), () => group.output()]) {
    expect(() => group.outputTo(use)).toThrow(misuse);
  }
  const closing = function* (): Generator<Uint8Array> {
    yield whole.bytes.subarray(0, 100);
    group.close();
  };
  expect(() => group.addFrom(closing())).toThrow(misuse);
  expect(group.output().bytes).toEqual(whole.bytes);
  group.close();

  const other = new DatabaseSync(':memory:');
  other.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b, c, d)');
  using completed = new ChangesetGroup();
  completed.schema(other);
  const ending = function* (): Generator<Uint8Array> {
    other.close();
    yield* pieces(whole);
  };
  expect(() => completed.addFrom(ending())).toThrow('group: the database of its schema is closed');
});

describe('streams return the same as whole values', () => {
  test('reading, also inverted', () => {
    const whole = many();
    expect([...Changeset.read(pieces(whole))]).toEqual([...whole]);
    expect([...Changeset.read(pieces(whole, 1), true)]).toEqual([...whole.invert()]);
    expect([...Changeset.read([])]).toEqual([]);
  });
  test('reading can end early, and continue while another read is open', () => {
    const whole = many();
    const first = Changeset.read(pieces(whole));
    for (const change of Changeset.read(pieces(whole))) {
      expect(first.next().value).toEqual(change);
      if (change.old.length === 0) break;
    }
    expect(first.return?.()).toMatchObject({ done: true });
  });
  test('inverting, joining, rebasing, grouping', () => {
    const a = many();
    const b = changesOf(
      "UPDATE t SET b='y' WHERE a=5; DELETE FROM t WHERE a=6",
      "INSERT INTO t VALUES(5,'35',7.5),(6,'36',9.0)",
    );
    const inverse = gathered((take) => Changeset.invertTo(pieces(a), take));
    expect(inverse.bytes).toEqual(a.invert().bytes);
    expect(inverse.lengths.length).toBeGreaterThan(10);
    expect(gathered((take) => Changeset.concatTo(pieces(a), pieces(b), take)).bytes).toEqual(
      a.concat(b).bytes,
    );
    using group = new ChangesetGroup();
    group.addFrom(pieces(a));
    group.addFrom(pieces(b, 3));
    expect(group.output().bytes).toEqual(a.concat(b).bytes);
    const db = database(`${schema} INSERT INTO t VALUES(5,'mine',0)`);
    const { rebase } = db.apply(a, { policy: 'ours' });
    using rebaser = new Rebaser();
    rebaser.configure(rebase);
    const local = changesOf("INSERT INTO t VALUES(5,'mine',0)");
    expect(gathered((take) => rebaser.rebaseTo(pieces(local, 2), take)).bytes).toEqual(
      rebaser.rebase(local).bytes,
    );
    expect(local.rebase(rebase).bytes).toEqual(rebaser.rebase(local).bytes);
  });
  test('as ReadableStream', async () => {
    const a = many();
    using group = new ChangesetGroup();
    group.add(a);
    const stream = group.outputStream() as unknown as AsyncIterable<Uint8Array>;
    expect((await Changeset.from(stream)).bytes).toEqual(group.output().bytes);
  });
  test('the size of the pieces can be set; memory stays bounded by it', () => {
    const before = Changeset.pieceSize();
    try {
      expect(Changeset.pieceSize(8192)).toBe(8192);
      const whole = many();
      const { lengths } = gathered((take) => Changeset.invertTo(pieces(whole), take));
      expect(Math.max(...lengths)).toBeLessThan(2 * 8192);
      expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThanOrEqual(8192);
      Changeset.pieceSize(64);
      expect(gathered((take) => Changeset.invertTo(pieces(whole), take)).lengths.length).toBeGreaterThan(500);
      expect(failure(() => Changeset.pieceSize(0))).toBe('The "bytes" argument must be at least 1.');
    } finally {
      Changeset.pieceSize(before);
    }
  });
  test('exceptions of the source and the receiver are rethrown unchanged', () => {
    const whole = many();
    const error = new Error('enough');
    function* broken(): Generator<Uint8Array> {
      yield whole.bytes.subarray(0, 2000);
      throw error;
    }
    const stop = (): never => {
      throw error;
    };
    using group = new ChangesetGroup();
    using rebaser = new Rebaser();
    const db = database(schema);
    for (const action of [
      () => [...Changeset.read(broken())],
      () => Changeset.invertTo(broken(), () => {}),
      () => Changeset.invertTo(pieces(whole), stop),
      () => Changeset.concatTo(pieces(whole), broken(), () => {}),
      () => Changeset.concatTo(pieces(whole), pieces(whole), stop),
      () => group.addFrom(broken()),
      () => rebaser.rebaseTo(broken(), () => {}),
      () => rebaser.rebaseTo(pieces(whole), stop),
      () => db.applyChangeset(broken()),
    ]) {
      expect(action).toThrow(error);
    }
    expect(db.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 0 });
  });
  test('pieces that are not bytes, and damaged ones', () => {
    const wrong = 'x' as unknown as Iterable<Uint8Array>;
    expect(failure(() => Changeset.read(wrong))).toBe(
      'The "pieces" argument must be an iterable of Uint8Arrays.',
    );
    expect(failure(() => Changeset.invertTo(new Uint8Array(3) as never, () => {}))).toMatch(
      /must be an iterable/,
    );
    expect(failure(() => [...Changeset.read(['x' as never])])).toBe(
      'a piece of a changeset must be a Uint8Array',
    );
    const { bytes } = changesOf('INSERT INTO t VALUES(1,2,3)');
    expect(failure(() => [...Changeset.read([bytes.subarray(0, -2)])])).toMatch(
      /^read: the changeset is malformed/,
    );
    expect(failure(() => Changeset.invertTo([Uint8Array.of(1, 2, 3)], () => {}))).toMatch(/^invert: /);
  });
});

describe('groups', () => {
  test('changes as the codec reads them, without a schema', () => {
    const db = database(schema);
    const session = db.createSession();
    db.exec("INSERT INTO t VALUES(1,'x',2.5); INSERT INTO t VALUES(2,NULL,3)");
    const bytes = session.changeset();
    using group = new ChangesetGroup();
    for (const change of codecChanges(bytes)) group.addChange(change);
    expect(group.output().bytes).toEqual(bytes);
  });
  test('changes as the engine reads them, without a schema, of a changeset and of a patchset', () => {
    const db = database(`${schema} INSERT INTO t VALUES(1,2,3),(2,3,4)`);
    const session = db.createSession();
    db.exec('UPDATE t SET b=7 WHERE a=1; DELETE FROM t WHERE a=2; INSERT INTO t VALUES(3,NULL,2.5)');
    for (const bytes of [session.changeset(), session.patchset()]) {
      using group = new ChangesetGroup();
      const changeset = new Changeset(bytes);
      if (changeset.isPatchset) group.patchset();
      for (const change of changeset) group.addChange(change);
      expect(group.output().bytes).toEqual(bytes);
    }
  });
  test('changes that were read keep their kind, and become a patchset if one is built', () => {
    const db = database(`${schema} INSERT INTO t VALUES(1,2,3),(2,3,4)`);
    const session = db.createSession();
    db.exec('UPDATE t SET b=7 WHERE a=1; DELETE FROM t WHERE a=2; INSERT INTO t VALUES(3,NULL,2.5)');
    const [changeset, patchset] = [session.changeset(), session.patchset()];
    const grouped = (changes: Iterable<Change>, asPatchset: boolean): Uint8Array => {
      using group = new ChangesetGroup();
      if (asPatchset) group.patchset();
      for (const change of changes) group.addChange(change);
      return group.output().bytes;
    };
    expect([...codecChanges(changeset)]).toEqual([...new Changeset(changeset)]);
    expect([...codecChanges(patchset)]).toEqual([...new Changeset(patchset)]);
    for (const read of [codecChanges, (bytes: Uint8Array) => new Changeset(bytes)]) {
      expect(grouped(read(changeset), false)).toEqual(changeset);
      expect(grouped(read(patchset), false)).toEqual(patchset);
      expect(grouped(read(patchset), true)).toEqual(patchset);
      expect(grouped(read(changeset), true)).toEqual(patchset);
    }
  });
  test('a change that lacks values is not added for its key', () => {
    using group = new ChangesetGroup();
    const base = { table: 't', indirect: false, key: [1, 0, 0], patchset: false } as const;
    const message = (change: Change): string => failure(() => group.addChange(change));
    const unknown = 'build a change of t: no such table: t';
    expect(message({ ...base, op: 'insert', old: [], new: [1n, 2n] })).toBe(unknown);
    expect(message({ ...base, op: 'insert', old: [], new: [1n, 2n, undefined] })).toBe(unknown);
    expect(message({ ...base, op: 'update', old: [undefined, 1n, 2n], new: [undefined, 2n, 3n] })).toBe(
      unknown,
    );
    expect(message({ ...base, key: [0, 0, 0], op: 'delete', old: [1n, 2n, 3n], new: [] })).toBe(unknown);
    expect(group.output().isEmpty).toBe(true);
  });
  test('a change needs only the values that its operation has', () => {
    using group = new ChangesetGroup();
    group.schema(database(schema));
    group.addChange({ table: 't', op: 'insert', new: [1n, 2n, null] });
    group.addChange({ table: 't', op: 'delete', old: [2n, 3n, null] });
    expect([...group.output()].map(({ op }) => op).sort()).toEqual(['delete', 'insert']);
    expect(Changeset.of(database(schema), [{ table: 't', op: 'insert', new: [1n, 2n, null] }]).isEmpty).toBe(
      false,
    );
  });
  test('a BigInt beyond 64 bits is refused, not wrapped', () => {
    using group = new ChangesetGroup();
    group.schema(database(schema));
    const base = { table: 't', indirect: false, key: [1, 0, 0], op: 'insert', old: [] } as const;
    for (const value of [2n ** 63n, 2n ** 64n + 5n, -(2n ** 63n) - 1n]) {
      expect(failure(() => group.addChange({ ...base, new: [1n, value, null] }))).toBe(
        'BigInt value is too large to bind.',
      );
      expect(failure(() => Changeset.of(database(schema), [{ ...base, new: [value, 1n, null] }]))).toBe(
        'BigInt value is too large to bind.',
      );
    }
    expect(group.output().isEmpty).toBe(true);
  });

  test('changes of values of every type, joined by key', () => {
    using group = new ChangesetGroup();
    group.schema(database(schema));
    const base = { table: 't', indirect: false, key: [1, 0, 0], patchset: false } as const;
    const changes: Change[] = [
      { ...base, op: 'insert', old: [], new: [1n, 'é\0x', 2.5] },
      { ...base, op: 'insert', old: [], new: [-(2n ** 63n), null, new Uint8Array([0, 255])] },
      { ...base, op: 'delete', old: [3n, '', 1n], new: [] },
      { ...base, op: 'update', old: [4n, undefined, null], new: [undefined, undefined, 7n], indirect: true },
    ];
    for (const change of changes) group.addChange(change);
    const byKey = (list: Iterable<Change>): Change[] =>
      [...list].sort(
        (x, y) =>
          Number((x.new[0] ?? x.old[0] ?? 0n) as bigint) - Number((y.new[0] ?? y.old[0] ?? 0n) as bigint),
      );
    expect(byKey(group.output())).toEqual(byKey(changes));
    group.addChange({ ...base, op: 'delete', old: [1n, 'é\0x', 2.5], new: [] });
    expect([...group.output()]).toHaveLength(3);
  });
  test('a change that does not fit is refused and leaves the group as it was', () => {
    using group = new ChangesetGroup();
    group.schema(database(schema));
    const base = { table: 't', indirect: false, key: [1, 0, 0], patchset: false } as const;
    group.addChange({ ...base, op: 'insert', old: [], new: [1n, 2n, 3n] });
    const before = group.output().bytes;
    const message = (change: Change): string => failure(() => group.addChange(change));
    expect(message({ ...base, op: 'insert', old: [], new: [2n, 2n] })).toMatch(/^build a change of t: /);
    expect(message({ ...base, op: 'insert', old: [], new: [2n, 2n, 3n, 4n] })).toMatch(
      /^build a change of t: /,
    );
    expect(message({ ...base, op: 'update', old: [undefined, 1n, 2n], new: [undefined, 2n, 3n] })).toMatch(
      /^build a change of t: /,
    );
    expect(message({ ...base, table: 'no', op: 'insert', old: [], new: [1n] })).toMatch(
      /^build a change of no: /,
    );
    expect(message({ ...base, op: 'merge' as 'insert', old: [], new: [] })).toMatch(
      /insert, update or delete/,
    );
    expect(group.output().bytes).toEqual(before);
  });
  test('a change that a handler rejects can be kept, and applied later', () => {
    const changes = changesOf('INSERT INTO t VALUES(1,1,1),(2,2,2),(3,3,3)');
    const db = database(`${schema} INSERT INTO t VALUES(2,0,0)`);
    using rejected = new ChangesetGroup();
    let late: Change | undefined;
    db.applyChangeset(changes, {
      onConflict(_kind, conflict) {
        rejected.addChange(conflict);
        late = conflict;
        return constants.SQLITE_CHANGESET_OMIT;
      },
    });
    const kept = rejected.output();
    expect([...kept].map((change) => change.new)).toEqual([[2n, 2n, 2n]]);
    db.exec('DELETE FROM t WHERE a=2');
    expect(db.applyChangeset(kept)).toBe(true);
    expect(failure(() => rejected.addChange(late as Change))).toBe(
      'a conflict can be read only while its handler runs',
    );
  });
  test('a foreign-key conflict carries no change to keep', () => {
    const family =
      'CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE f(a INTEGER PRIMARY KEY, p REFERENCES p);';
    const made = database(`${family} INSERT INTO p VALUES(1)`);
    const session = made.createSession();
    made.exec('INSERT INTO f VALUES(1,1)');
    using group = new ChangesetGroup();
    const apply = (): unknown =>
      database(family).applyChangeset(session.changeset(), {
        onConflict(_kind, conflict) {
          group.addChange(conflict);
          return 0;
        },
      });
    expect(failure(apply)).toBe('a foreign-key conflict carries no change');
  });
  test('a group with the schema of a database that was closed since cannot be used', () => {
    using group = new ChangesetGroup();
    const db = database(schema);
    group.schema(db);
    group.add(changesOf('INSERT INTO t VALUES(1,2,3)'));
    db.close();
    expect(failure(() => group.add(changesOf('INSERT INTO t VALUES(2,2,3)')))).toBe(
      'group: the database of its schema is closed',
    );
  });
  test('a closed group is an error; closing twice is allowed', () => {
    const group = new ChangesetGroup();
    group.close();
    group[Symbol.dispose]();
    expect(failure(() => group.output())).toBe('group: the changeset group is closed');
  });
});

describe('rebasing', () => {
  test('several buffers, in order', () => {
    const base = "INSERT INTO t VALUES(1,'base',0),(2,'base',0);";
    const local = changesOf("UPDATE t SET b='local'", base);
    using rebaser = new Rebaser();
    const db = database(`${schema} INSERT INTO t VALUES(1,'local',0),(2,'local',0)`);
    for (const [a, policy] of [
      [1, 'ours'],
      [2, 'theirs'],
    ] as const) {
      rebaser.configure(db.apply(changesOf(`UPDATE t SET b='remote' WHERE a=${a}`, base), { policy }).rebase);
    }
    // If the conflict was omitted, the local change replaces the remote value; if it was replaced, the local change is
    // removed.
    expect([...rebaser.rebase(local)].map(({ old, new: fresh }) => [old, fresh])).toEqual([
      [
        [1n, 'remote', undefined],
        [undefined, 'local', undefined],
      ],
    ]);
  });
  test('a patchset or damaged bytes are not a rebase buffer; a closed rebaser is an error', () => {
    const db = database(schema);
    const session = db.createSession();
    db.exec('INSERT INTO t VALUES(1,2,3)');
    const rebaser = new Rebaser();
    expect(failure(() => rebaser.configure(Uint8Array.of(9, 9)))).toMatch(/^rebase: /);
    expect(failure(() => rebaser.rebase(session.changeset().subarray(0, -1)))).toMatch(/^rebase: /);
    expect(rebaser.rebase(session.changeset()).bytes).toEqual(session.changeset());
    rebaser.close();
    rebaser[Symbol.dispose]();
    expect(failure(() => rebaser.rebase(session.changeset()))).toBe('rebase: the rebaser is closed');
  });
});
