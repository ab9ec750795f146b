/** Wrong use of the whole program: the same exit code and prefix, and no file is created. */

import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { beforeEach, expect, test } from 'vitest';
import { changesetGroup } from '../../host/cli/changeset/commands.js';
import { testFolder } from '../kit/folder.js';
import { program, type Ran, runProgram } from '../kit/program.js';

let folder: string;
beforeEach(() => {
  folder = testFolder('usage');
});

const run = (...args: string[]): Ran => runProgram(args, { cwd: folder });

test.each([
  [
    'chagneset stat e.cs',
    'unknown command "chagneset"; did you mean changeset? To open a database of that name, write ./chagneset',
  ],
  [
    'inspekt x.wasm',
    'unknown command "inspekt"; did you mean inspect? To open a database of that name, write ./inspekt',
  ],
  [
    'Completions bash',
    'unknown command "Completions"; did you mean completion? To open a database of that name, write ./Completions',
  ],
  [
    'daemon --db a.db',
    'unknown command "daemon"; did you mean changeset daemon? To open a database of that name, write ./daemon',
  ],
  [
    'show x.cs',
    'unknown command "show"; did you mean changeset show? To open a database of that name, write ./show',
  ],
  ['hlep', 'unknown command "hlep"; did you mean -help? To open a database of that name, write ./hlep'],
  ['--locking maybe x.db', '--locking takes auto or none, not "maybe"'],
  [
    '--timeout',
    '--timeout needs a value: --timeout SECONDS end a statement that runs longer, with everything it calls',
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

test.skipIf(process.platform !== 'linux')('a name that is not UTF-8 opens no other file', () => {
  const name = Buffer.from('caf\xe9.db', 'latin1');
  const other = 'caf\ufffd.db';
  const command = (rest: string): { status: number | null; stderr: string } =>
    spawnSync('sh', ['-c', `"$0" "$1" ${rest}`, process.execPath, program], {
      cwd: folder,
      encoding: 'utf8',
    });
  for (const rest of [
    `"$(printf 'caf\\351.db')" 'CREATE TABLE t(a)'`,
    `changeset stat "$(printf 'caf\\351.db')"`,
  ]) {
    expect(command(rest)).toMatchObject({
      status: 2,
      stderr: `sqlite-wasm-run: the argument ${other} is not UTF-8; use a link with another name to name the file\n`,
    });
  }
  const message = `The file name ${other} is not UTF-8; use a link with another name to open it.`;
  const path = Buffer.concat([Buffer.from(`${folder}/`), name]);
  const refused = (open: () => unknown): unknown => {
    try {
      open();
    } catch (error) {
      return (error as Error).message.replace(`${folder}/`, '');
    }
    return 'nothing was thrown';
  };
  expect(refused(() => new DatabaseSync(path))).toBe(message);
  expect(refused(() => new DatabaseSync(join(folder, 'caf\ud800.db')))).toBe(message);
  const uri = `file:${folder}/caf%E9.db`;
  expect(refused(() => new DatabaseSync(uri))).toContain(`the file name ${other} is not UTF-8`);
  using memory = new DatabaseSync(':memory:');
  expect(refused(() => memory.prepare('ATTACH ? AS a').run(uri))).toContain('is not UTF-8');
  expect(run(other, 'CREATE TABLE t(a)')).toMatchObject({ code: 0 });
  expect(readdirSync(folder)).toEqual([other]);
});

test('a file of any name is opened, and so is a new one with ./', () => {
  writeFileSync(join(folder, 'inspects'), '');
  expect(run('inspects', 'CREATE TABLE t(a)')).toMatchObject({ code: 0 });
  expect(run('./chagneset', 'CREATE TABLE t(a)')).toMatchObject({ code: 0 });
  expect(run('data', 'CREATE TABLE t(a)')).toMatchObject({ code: 0 });
  expect(readdirSync(folder).sort()).toEqual(['chagneset', 'data', 'inspects']);
});

test('every command of `changeset` is found by its name, has help, and is suggested if it stands alone', () => {
  for (const { name, summary } of changesetGroup.commands) {
    const { code, out } = run('changeset', name, '--help');
    expect(code).toBe(0);
    expect(out).toContain(`sqlite-wasm-run changeset ${name} `);
    expect(out).toContain(`\n\n${summary}\n`);
    expect(run(name)).toMatchObject({
      code: 2,
      err: expect.stringContaining(`did you mean changeset ${name}?`),
    });
  }
});

test('doctor: what a report of a fault should contain, and no file left behind', () => {
  const { code, out, err } = run('doctor', '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(JSON.parse(out)).toMatchObject({
    sqlite: expect.stringMatching(/^3\.\d+\.\d+ 20/),
    node: expect.stringContaining(process.version),
    system: expect.stringContaining(process.arch),
    tested:
      process.platform === 'linux' && process.arch === 'x64' ? 'yes' : expect.stringContaining('report'),
    'file locks': 'yes, by fcntl',
    'mapped memory': expect.stringMatching(/^yes, in pages of \d+ bytes$/),
    'shared WAL': 'yes',
  });
  expect(readdirSync(folder)).toEqual([]);
  expect(run('doctor', 'absent')).toEqual({
    code: 1,
    out: '',
    err: 'sqlite-wasm-run doctor: cannot create files in absent: no such file or directory\n',
  });
});
