/** Wrong use: one exit code, one prefix, and no file made, for the whole program. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dist } from '../scripts/sources.js';

const program = join(dist, 'cli/main.js');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'usage-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: folder,
    encoding: 'utf8',
    input: '',
  });
  return { code: status, out: stdout, err: stderr };
}

test.each([
  [
    'chagneset stat e.cs',
    'there is no command "chagneset"; did you mean changeset? A database of that name is ./chagneset',
  ],
  [
    'inspekt x.wasm',
    'there is no command "inspekt"; did you mean inspect? A database of that name is ./inspekt',
  ],
  [
    'Completions bash',
    'there is no command "Completions"; did you mean completion? A database of that name is ./Completions',
  ],
  ['hlep', 'there is no command "hlep"; did you mean -help? A database of that name is ./hlep'],
  [
    '--locking maybe x.db',
    '--locking does not take "maybe": --locking auto|none the file locks that sqlite3 takes (auto), or none at all',
  ],
  [
    '--timeout',
    '--timeout: the value is missing: --timeout SECONDS ends a statement that runs for longer, with all that it calls',
  ],
])('%s', (line, message) => {
  expect(run(...line.split(' '))).toEqual({ code: 2, out: '', err: `sqlite-wasm-run: ${message}\n` });
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  ['changeset aply', 'changeset'],
  ['changeset apply', 'changeset apply'],
  ['changeset stat --nothing x', 'changeset stat'],
  ['changeset daemon --db a.db', 'changeset daemon'],
  ['inspect', 'inspect'],
  ['inspect --nothing x', 'inspect'],
  ['inspect --locking', 'inspect'],
  ['new-extension', 'new-extension'],
  ['new-extension a --world nothing', 'new-extension'],
  ['completion csh', 'completion'],
  ['completion', 'completion'],
])('%s', (line, command) => {
  const { code, out, err } = run(...line.split(' '));
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(new RegExp(`^sqlite-wasm-run ${command}: [^\n]+\n$`));
  expect(readdirSync(folder)).toEqual([]);
});

test('a file is opened whatever it is called, and so is a new one by ./', () => {
  writeFileSync(join(folder, 'inspects'), '');
  expect(run('inspects', 'CREATE TABLE t(a)')).toMatchObject({ code: 0 });
  expect(run('./chagneset', 'CREATE TABLE t(a)')).toMatchObject({ code: 0 });
  expect(run('data', 'CREATE TABLE t(a)')).toMatchObject({ code: 0 });
  expect(readdirSync(folder).sort()).toEqual(['chagneset', 'data', 'inspects']);
});
