/** Compares extensions/completion.wasm with the table of the same name in SQLite's shell. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../kit/program.js';

const schema = `
  CREATE TABLE "order line"(id INTEGER PRIMARY KEY, "unit price", sel AS (id + 1));
  CREATE INDEX selling ON "order line"("unit price");
  CREATE VIEW selected AS SELECT 1 AS viewed;
  CREATE TRIGGER settle AFTER INSERT ON "order line" BEGIN SELECT 1; END;
  ATTACH ':memory:' AS "o'th""er";
  CREATE TABLE "o'th""er".sélection(été);
  CREATE TEMP TABLE temporary_one(b);
`;

describe.each(['direct', 'wrapped'])('calls %s', (calls) => {
  let folder: string;
  let db: DatabaseSync;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'completion-'));
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db = new DatabaseSync(':memory:', { allowExtension: true });
    db.loadExtension('extensions/completion.wasm');
    db.exec(schema);
  });
  afterAll(() => {
    delete process.env.SQLITE_WASM_RUN_CALLS;
    db.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const query = (call: string): string =>
    `SELECT phase, candidate FROM ${call} WHERE phase <> 3 ORDER BY phase, candidate`;

  /** The rows of SQLite's table. */
  function ofShell(call: string): unknown[] {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [program, '-json', ':memory:', schema, query(call)],
      { encoding: 'utf8', cwd: folder },
    );
    expect(stderr).toBe('');
    return stdout === '' ? [] : (JSON.parse(stdout) as unknown[]);
  }

  test.each([
    "completion('')",
    'completion',
    "completion('sel')",
    "completion('SEL')",
    "completion('o')",
    "completion('order l')",
    "completion('', 'SELECT un')",
    "completion(NULL, 'SELECT * FROM temp')",
    "completion('w', 'SELECT un')",
    "completion('', 'SELECT ')",
    "completion('nothing begins so')",
    "completion('sé')",
  ])('%s is what the shell lists', (call) => {
    const own = db.prepare(query(call)).all();
    expect(own.map((row) => ({ ...row }))).toEqual(ofShell(call));
  });

  const candidates = (call: string): unknown[] =>
    db
      .prepare(`SELECT candidate FROM ${call} ORDER BY 1`)
      .all()
      .map(({ candidate }) => candidate);

  test('functions are listed, including those of the user', () => {
    expect(candidates("completion('group_')")).toEqual(['group_concat']);
    db.function('group_mine', () => 1);
    expect(candidates("completion('group_')")).toEqual(['group_concat', 'group_mine']);
  });

  test('prefix and line are columns', () => {
    const row = db
      .prepare("SELECT candidate, prefix, wholeline, phase FROM completion('', 'SELECT vacu')")
      .get();
    expect(row).toEqual({ candidate: 'VACUUM', prefix: 'vacu', wholeline: 'SELECT vacu', phase: 1 });
  });

  test('values from another table are completed row by row', () => {
    const rows = db
      .prepare(
        "WITH p(x) AS (VALUES ('vac'), ('rein')) SELECT x, candidate FROM p, completion(p.x) ORDER BY 1",
      )
      .all();
    expect(rows.map((row) => Object.values(row))).toEqual([
      ['rein', 'REINDEX'],
      ['vac', 'VACUUM'],
    ]);
  });
});
