/** A component whose functions exist already needs the user's permission to replace them. */

import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sharedFolder } from '../kit/folder.js';
import { forge } from '../kit/forger.js';
import { guest } from '../kit/guests.js';
import { failure } from '../kit/outcome.js';
import { program } from '../kit/program.js';

const folder = sharedFolder('replacements');
let db: DatabaseSync;

beforeEach(() => {
  db = new DatabaseSync(':memory:', { allowExtension: true });
});
afterEach(() => db.close());

const bringing = (name: string): string => forge(join(folder, `brings-${name}.wasm`), { function: name });
const allow = { grants: { replace: true } };

const one = (sql: string): unknown => Object.values(db.prepare(sql).get() ?? {})[0];

describe('is refused', () => {
  test.each([
    ['abs', 'abs(1), which is built in'],
    ['ABS', 'abs(1), which is built in'],
    ['load_extension', 'load_extension(1), which is built in'],
    ['min', 'min(1), which is built in'],
    ['concat', 'concat(...), which is built in'], // which takes any number of arguments
    ['session_changeset', 'session_changeset(1), which component session registered'],
    ['mine', 'mine(1), which the program registered'],
    ['odd "näme', 'odd "näme(1), which the program registered'],
  ])('%s', (name, what) => {
    db.loadExtension('session');
    db.function('mine', (a) => a);
    db.function('odd "näme', (a) => a);
    const file = bringing(name);
    expect(failure(() => db.loadExtension(file))).toBe(
      `error during initialization: ${file} would replace ${what}: allow it with --allow-replace, or grants.replace in code`,
    );
    // None of it was registered.
    expect(failure(() => one('SELECT forge_log()'))).toBe('no such function: forge_log');
    expect(one('SELECT abs(-1)')).toBe(1);
    expect(one('SELECT mine(7)')).toBe(7);
  });

  test("another component's", () => {
    db.loadExtension(bringing('f'));
    const other = forge(join(folder, 'other.wasm'), { function: 'g', name: 'other' });
    expect(failure(() => db.loadExtension(other))).toMatch(
      /would replace forge_fail\(0\), which component forger registered, and 1 more: allow it/,
    );
  });

  test('a collation and a table, too', () => {
    for (const name of ['collates', 'tables']) {
      db.loadExtension(guest(name), { grants: { sql: 'rw' } });
      const built = Buffer.concat([readFileSync(guest(name)), Buffer.from([0, 2, 1, 0x78])]); // with a section more
      const other = join(folder, `other-${name}.wasm`);
      writeFileSync(other, built);
      expect(failure(() => db.loadExtension(other, { grants: { sql: 'rw' } }))).toMatch(
        /would replace (?:collation|table) \w+, which component \w+ registered/,
      );
    }
  });
});

describe('is not refused', () => {
  test('with permission', () => {
    db.loadExtension(bringing('abs'), allow);
    expect(failure(() => one('SELECT abs(-1)'))).toMatch(/^abs: component forger trapped/);
  });

  test('a component that is loaded again, from the same path or with the same bytes', () => {
    const file = bringing('f');
    db.loadExtension(file);
    db.loadExtension(file);
    const copy = join(folder, 'copy.wasm');
    copyFileSync(file, copy);
    db.loadExtension(copy);
    forge(copy, { function: 'f', version: '2.0.0' }); // built again
    db.loadExtension(copy);
    expect(failure(() => one('SELECT f(1)'))).toMatch(/^f: component forger trapped/);
    db.loadExtension(copy); // as it comes back
    expect(failure(() => one('SELECT forge_fail()'))).toBe('as asked');
  });

  test('an included component, whatever existed before', () => {
    db.loadExtension(bringing('session_changeset'));
    db.loadExtension('session');
    expect(failure(() => one('SELECT session_changeset(1)'))).toMatch(/^unknown session 1/);
  });

  test('a function of another number of arguments', () => {
    db.function('mine', (a, b) => [a, b].join());
    db.loadExtension(bringing('mine'));
    expect(one("SELECT mine('x', 'y')")).toBe('x,y');
    db.loadExtension(forge(join(folder, 'fresh.wasm'), { function: 'substr' }), allow);
    expect(one("SELECT substr('abc', 2)")).toBe('bc');
  });

  test('functions that the program has replaced since need permission again', () => {
    const file = bringing('f');
    db.loadExtension(file);
    db.function('f', (a) => a);
    expect(failure(() => db.loadExtension(file))).toMatch(
      /would replace f\(1\), which the program registered/,
    );
  });

  test('under an authorizer that refuses everything, which is not called', () => {
    db.setAuthorizer(() => 1);
    db.loadExtension(bringing('f'));
    expect(failure(() => db.loadExtension(bringing('abs')))).toMatch(/would replace abs\(1\)/);
  });
});

describe('on the command line', () => {
  const run = (args: string[], input = ''): { stdout: string; stderr: string; status: number | null } =>
    spawnSync(process.execPath, [program, ...args], { input, encoding: 'utf8' });

  test('.load reports what it replaces', () => {
    const file = bringing('abs');
    const load = `.load ${file}\nSELECT abs(-1);\n`;
    expect(run([':memory:'], load)).toMatchObject({
      stdout: '1\n',
      stderr: expect.stringContaining(
        'would replace abs(1), which is built in: allow it with --allow-replace',
      ),
    });
    const { stderr } = run(['--allow-replace', ':memory:'], load);
    expect(stderr).toContain(`${file}: replaces abs(1), which is built in\n`);
    expect(stderr).toContain('abs: component forger trapped');
    expect(run([':memory:'], `.load ${bringing('f')}\n`).stderr).toBe('');
  });

  test('inspect shows it', () => {
    const file = bringing('abs');
    const plain = run(['inspect', file]);
    expect(plain.status).toBe(1);
    expect(plain.stdout).toMatch(/^ {2}replaces +abs\(1\), which is built in$/m);
    expect(plain.stdout).toMatch(
      /^ {2}loads +no: .* would replace abs\(1\), which is built in: allow it with/m,
    );
    expect(run(['inspect', '--allow-replace', file]).stdout).toMatch(/^ {2}loads +yes$/m);
    expect(JSON.parse(run(['inspect', '--json', file]).stdout).described.replaces).toEqual([
      'abs(1), which is built in',
    ]);
    expect(run(['inspect', 'session']).stdout).not.toContain('replaces');
  });
});
