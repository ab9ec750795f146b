/** The code that V8 compiled in an earlier run of the program. */

import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { testFolder } from '../kit/folder.js';
import { type Ran, runProgram } from '../kit/program.js';

let folder: string;
let cache: string;
beforeEach(() => {
  folder = testFolder('compiled');
  cache = join(folder, 'cache');
});

const selected = { code: 0, out: '1\n', err: '' };
const select = (named: string, env: NodeJS.ProcessEnv = {}): Ran =>
  runProgram([':memory:', 'SELECT 1'], { cwd: folder, env: { SQLITE_WASM_RUN_CACHE: named, ...env } });
/** The files of compiled code, with the times at which they were written. */
const compiled = (within = cache): [string, number][] => {
  const from = join(within, 'compiled');
  return readdirSync(from, { recursive: true, encoding: 'utf8' })
    .map((name): [string, number] => [name, statSync(join(from, name)).mtimeMs])
    .filter(([name]) => statSync(join(from, name)).isFile());
};

describe.runIf('enableCompileCache' in module)('compiled code', () => {
  test('is kept in the private cache folder and used by the next run', () => {
    expect(select(cache)).toEqual(selected);
    expect(statSync(cache).mode & 0o777).toBe(0o700);
    const first = compiled();
    expect(first.length).toBeGreaterThan(1); // of program.js and its chunk
    expect(select(cache)).toEqual(selected);
    expect(compiled()).toEqual(first);
  });

  test('is kept apart if other users can write to the cache folder', () => {
    mkdirSync(cache);
    chmodSync(cache, 0o1777);
    expect(select(cache)).toEqual(selected);
    expect(existsSync(join(cache, 'compiled'))).toBe(false);
    expect(compiled(join(cache, `sqlite-wasm-run-${process.getuid?.()}`)).length).toBeGreaterThan(1);
  });

  test('is not kept if Node is told so', () => {
    expect(select(cache, { NODE_DISABLE_COMPILE_CACHE: '1' })).toEqual(selected);
    expect(existsSync(join(cache, 'compiled'))).toBe(false);
  });
});

test('without a cache folder, the program still starts', () => {
  expect(select(join('/dev/null', 'cache'))).toEqual(selected);
});
