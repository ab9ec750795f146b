/**
 * Runs operations on random changesets in the wasm core and in a native build of the same sources. The bytes must be
 * equal. Skipped with a notice if there is no C compiler.
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Changeset, ChangesetGroup, constants, DatabaseSync, Rebaser } from 'sqlite-wasm-run';
import { describe, expect, test } from 'vitest';
import { sharedFolder } from '../kit/folder.js';
import { nativeProgram } from '../kit/oracle.js';
import { randomOf } from '../kit/random.js';

const native = nativeProgram('transform');
const folder = sharedFolder('native');

const schema = `
  CREATE TABLE p(id INTEGER PRIMARY KEY, v UNIQUE);
  CREATE TABLE t(a, b TEXT, c, d, PRIMARY KEY(c, a));
  CREATE TABLE child(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE);
  INSERT INTO p VALUES(1,1),(2,2),(3,3),(4,4); INSERT INTO child VALUES(1,1),(2,2),(3,3);
  INSERT INTO t VALUES(1,'x',1,2.5),(2,'y',1,NULL),(3,'z',2,x'00ff');`;

/** Runs random statements, which may fail. */
function work(db: DatabaseSync, random: (below: number) => number, count: number): void {
  const values = ['NULL', '7', "'text'", '2.5', "x'01'", '9223372036854775807', 'zeroblob(200)', "'é'"];
  const value = (): string => values[random(values.length)] ?? 'NULL';
  for (let i = 0; i < count; i++) {
    const id = random(12);
    const sql = [
      `INSERT OR REPLACE INTO t VALUES(${id}, ${value()}, ${random(3)}, ${value()})`,
      `UPDATE t SET b=${value()}, d=${value()} WHERE a=${id}`,
      `DELETE FROM t WHERE a=${id}`,
      `UPDATE OR IGNORE t SET c=${random(3)} WHERE a=${id}`,
      `INSERT OR IGNORE INTO p VALUES(${id}, ${random(20)})`,
      `UPDATE OR IGNORE p SET v=${random(20)} WHERE id=${id}`,
      `DELETE FROM p WHERE id=${id}`,
      `INSERT OR REPLACE INTO child VALUES(${id}, (SELECT id FROM p LIMIT 1 OFFSET ${random(3)}))`,
    ][random(8)];
    db.exec(sql ?? '');
  }
}

function changeset(seed: number, kind: 'changeset' | 'patchset' = 'changeset'): Uint8Array {
  const db = new DatabaseSync(':memory:');
  db.exec(schema);
  const session = db.createSession();
  work(db, randomOf(seed), 60);
  const bytes = session[kind]();
  db.close();
  return bytes;
}

function run(...args: (string | number | Uint8Array)[]): string {
  const files = args.map((arg, i) => {
    if (!(arg instanceof Uint8Array)) return String(arg);
    const file = join(folder, `${i}.bin`);
    writeFileSync(file, arg);
    return file;
  });
  const { status, stdout, stderr } = spawnSync(native ?? '', files, { maxBuffer: 1 << 28 });
  if (status === 0) return stdout.toString('hex');
  const code = /^error (\d+)$/.exec(stderr.toString())?.[1];
  if (!code) throw new Error(`${files.join(' ')}: status ${status} ${stderr}`);
  return `error ${Number(code) & 0xff}`;
}

/** The bytes of `action` in hex, or its result code. */
function ours(action: () => Uint8Array | Changeset): string {
  try {
    const made = action();
    return Buffer.from(made instanceof Changeset ? made.bytes : made).toString('hex');
  } catch (error) {
    return `error ${(error as { errcode: number }).errcode & 0xff}`;
  }
}

function gathered(write: (take: (piece: Uint8Array) => void) => void): Uint8Array {
  const all: Uint8Array[] = [];
  write((piece) => all.push(piece));
  return new Uint8Array(Buffer.concat(all));
}

describe.skipIf(!native)('against the native library', () => {
  test.each(Array.from({ length: 12 }, (_, i) => i + 1))('transforming, seed %i', (seed) => {
    const a = changeset(seed);
    const b = changeset(seed + 100);
    const c = changeset(seed + 200);
    const patch = changeset(seed, 'patchset');
    expect(a.length).toBeGreaterThan(300);
    expect(ours(() => new Changeset(a).invert())).toBe(run('invert', a));
    expect(ours(() => gathered((take) => Changeset.invertTo([a], take)))).toBe(run('invert_strm', a));
    expect(ours(() => new Changeset(patch).invert())).toBe(run('invert', patch));
    expect(ours(() => Changeset.concat(a, b))).toBe(run('concat', a, b));
    expect(ours(() => Changeset.concat(a, patch))).toBe(run('concat', a, patch));
    expect(ours(() => gathered((take) => Changeset.concatTo([a], [b], take)))).toBe(run('concat_strm', a, b));
    const grouped = ours(() => {
      using group = new ChangesetGroup();
      for (const one of [a, b, c]) group.addFrom([one]);
      return group.output();
    });
    expect(grouped).toBe(run('group', a, b, c));
  });

  const { SQLITE_CHANGESET_OMIT, SQLITE_CHANGESET_REPLACE } = constants;
  const legal: number[] = [constants.SQLITE_CHANGESET_DATA, constants.SQLITE_CHANGESET_CONFLICT];
  const flags: [number, object][] = [
    [0, {}],
    [constants.SQLITE_CHANGESETAPPLY_INVERT, { invert: true }],
    [constants.SQLITE_CHANGESETAPPLY_IGNORENOOP, { ignoreNoop: true }],
    [constants.SQLITE_CHANGESETAPPLY_FKNOACTION, { fkNoAction: true }],
    [constants.SQLITE_CHANGESETAPPLY_NOUPDATELOOP, { noUpdateLoop: true }],
  ];
  test.each(flags)('applying and rebasing, flags %i', (bits, options) => {
    for (let seed = 1; seed <= 6; seed++) {
      for (const action of [SQLITE_CHANGESET_OMIT, SQLITE_CHANGESET_REPLACE]) {
        const remote = changeset(seed);
        const local = changeset(seed + 300);
        const made = ['native', 'ours'].map((name) => {
          const path = join(folder, `${bits}-${seed}-${action}-${name}.db`);
          const db = new DatabaseSync(path);
          db.exec(schema);
          work(db, randomOf(seed + 500), 40);
          return { path, db };
        });
        const [theirs, own] = made;
        if (!theirs || !own) throw new Error('two databases were made');
        theirs.db.close();
        const rebase = ours(
          () =>
            own.db.apply(remote, {
              ...options,
              onConflict: (kind) => (legal.includes(kind) ? action : SQLITE_CHANGESET_OMIT),
            }).rebase,
        );
        expect(rebase).toBe(run('apply', action, bits, theirs.path, remote));
        theirs.db.open();
        for (const table of ['p', 't', 'child']) {
          const read = (db: DatabaseSync): unknown =>
            db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`, { readBigInts: true }).all();
          expect(read(own.db)).toEqual(read(theirs.db));
        }
        const buffer = new Uint8Array(Buffer.from(rebase, 'hex'));
        using rebaser = new Rebaser();
        rebaser.configure(buffer);
        const wanted = run('rebase', buffer, local);
        expect(ours(() => rebaser.rebase(local))).toBe(wanted);
        expect(ours(() => new Changeset(local).rebase(buffer))).toBe(wanted);
        expect(ours(() => gathered((take) => rebaser.rebaseTo([local], take)))).toBe(wanted);
        theirs.db.close();
        own.db.close();
      }
    }
  });
});
