/**
 * Runs the same random work in the wasm core and in a native build of the same sources. The changesets must have equal
 * bytes. Skipped with a notice if there is no C compiler.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { describe, expect, test } from 'vitest';
import { sharedFolder } from '../kit/folder.js';
import { nativeShell } from '../kit/oracle.js';
import { randomOf } from '../kit/random.js';

const native = nativeShell();
const folder = sharedFolder('oracle');

const schema = `
CREATE TABLE plain(id INTEGER PRIMARY KEY, a, b TEXT, c REAL, d BLOB);
CREATE TABLE composite(x INT, y TEXT, z, PRIMARY KEY(y, x));
CREATE TABLE texted(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
CREATE TABLE generated(id INTEGER PRIMARY KEY, a INT, twice INT GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE log(id INTEGER PRIMARY KEY, what TEXT);
CREATE TABLE nokey(a, b);
CREATE TRIGGER logged AFTER DELETE ON plain BEGIN INSERT INTO log(what) VALUES ('gone ' || old.id); END;
ATTACH ':memory:' AS side;
CREATE TABLE side.other(id INTEGER PRIMARY KEY, v);
`;

function literal(random: (below: number) => number): string {
  switch (random(8)) {
    case 0:
      return 'NULL';
    case 1:
      return String(random(1000) - 500);
    case 2:
      return `${random(2) ? '-' : ''}${random(9_007_199)}${random(999_999_999)}`;
    case 3:
      return `${random(1000)}.${random(1000)}`;
    case 4:
      return `x'${random(65_536).toString(16).padStart(4, '0')}'`;
    case 5:
      return `zeroblob(${random(300)})`;
    case 6:
      return `'${'äé\u{1F600}x'.repeat(random(40))}'`;
    default:
      return `'text ${random(100)}'`;
  }
}

/** A random statement. It may violate a constraint, and then must fail in both programs. */
function statement(random: (below: number) => number): string {
  const value = (): string => literal(random);
  const id = random(60);
  switch (random(14)) {
    case 0:
    case 1:
      return `INSERT OR IGNORE INTO plain VALUES (${id}, ${value()}, ${value()}, ${value()}, ${value()})`;
    case 2:
      return `INSERT OR REPLACE INTO plain VALUES (${id}, ${value()}, ${value()}, ${value()}, ${value()})`;
    case 3:
      return `UPDATE plain SET a = ${value()}, d = ${value()} WHERE id % 7 = ${random(7)}`;
    case 4:
      return `UPDATE OR IGNORE plain SET id = ${random(60)} WHERE id = ${id}`;
    case 5:
      return `DELETE FROM plain WHERE id = ${id}`;
    case 6:
      return `INSERT OR IGNORE INTO composite VALUES (${value()}, ${value()}, ${value()})`;
    case 7:
      return `UPDATE composite SET z = ${value()} WHERE rowid % 3 = ${random(3)}`;
    case 8:
      return `DELETE FROM composite WHERE rowid % 11 = ${random(11)}`;
    case 9:
      return `INSERT OR REPLACE INTO texted VALUES ('k${random(30)}', ${value()})`;
    case 10:
      return `DELETE FROM texted WHERE k = 'k${random(30)}'`;
    case 11:
      return `INSERT OR REPLACE INTO generated(id, a) VALUES (${id}, ${random(100)})`;
    case 12:
      return `INSERT INTO nokey VALUES (${value()}, ${value()})`;
    default:
      return `INSERT OR REPLACE INTO side.other VALUES (${id}, ${value()})`;
  }
}

function workload(seed: number): { before: string[]; during: string[] } {
  const random = randomOf(seed);
  const some = (count: number): string[] => Array.from({ length: count }, () => statement(random));
  const during = some(200);
  during.splice(60, 0, 'BEGIN');
  during.splice(90, 0, random(2) ? 'COMMIT' : 'ROLLBACK');
  during.splice(120, 0, 'SAVEPOINT s');
  during.splice(140, 0, 'ROLLBACK TO s', 'RELEASE s');
  return { before: some(100), during };
}

describe.skipIf(!native)('against the native library', () => {
  test.each(Array.from({ length: 20 }, (_, seed) => seed + 1))('workload %i', (seed) => {
    const { before, during } = workload(seed);
    const files = (name: string): string => join(folder, `${seed}-${name}`);
    const script = [
      schema,
      ...before.map((sql) => `${sql};`),
      '.session open main m',
      '.session m attach *',
      '.session open side s',
      '.session s attach *',
      ...during.map((sql) => `${sql};`),
      `.session m changeset ${files('main')}`,
      `.session m patchset ${files('patch')}`,
      `.session s changeset ${files('side')}`,
    ].join('\n');
    spawnSync(native ?? '', [':memory:'], { input: script, encoding: 'utf8' });

    const db = new DatabaseSync(':memory:', { allowExtension: true });
    db.exec(schema);
    const run = (sql: string): void => {
      try {
        db.exec(sql);
      } catch {
        // The native shell also continues after an error.
      }
    };
    before.forEach(run);
    db.loadExtension('session');
    db.exec("CREATE TEMP TABLE handles AS SELECT session_create('main') AS m, session_create('side') AS s");
    db.exec('SELECT session_attach(m, NULL), session_attach(s, NULL) FROM handles');
    const main = db.createSession();
    during.forEach(run);
    const blobs = db
      .prepare('SELECT session_changeset(m) AS m, session_changeset(s) AS s FROM handles')
      .get();
    const wanted = readFileSync(files('main'));
    expect(wanted.length).toBeGreaterThan(1000);
    expect(Buffer.from(blobs?.m as Uint8Array).equals(wanted)).toBe(true);
    expect(Buffer.from(blobs?.s as Uint8Array).equals(readFileSync(files('side')))).toBe(true);
    expect(Buffer.from(main.changeset()).equals(wanted)).toBe(true);
    expect(Buffer.from(main.patchset()).equals(readFileSync(files('patch')))).toBe(true);
    db.close();
  });
});
