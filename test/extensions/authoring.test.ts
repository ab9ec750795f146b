/**
 * `sqlite-wasm-run new-extension`: the extension that it writes can be built and passes its own test. `npm run
 * test:authoring` tests every world in both languages and takes a few minutes.
 */

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contract } from '../../host/interfaces/contract.js';
import { compiler, dist, fetchSource, root, sourceFolder } from '../../scripts/sources.js';
import { program } from '../kit/program.js';

const worlds = Object.keys(contract.worlds);
const languages = ['c', 'typescript'];

const long = process.env.MODE === 'long';
const hasCompiler = existsSync(sourceFolder(compiler));
/** Older versions of Node cannot compile components with an interpreter. */
const runsInterpreters = Number(process.versions.node.split('.')[0]) >= 22;

let folder: string;

/** Links the packages that `npm install` would install. */
function install(): void {
  const modules = join(folder, 'node_modules');
  const link = (name: string, target: string): void => {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(target, join(modules, name));
  };
  for (const name of ['@bytecodealliance/jco-transpile', 'componentize-qjs', 'typescript']) {
    link(name, join(root, 'node_modules', name));
  }
  if (long || hasCompiler) link('@yowasp/clang', fetchSource(compiler));
  link('sqlite-wasm-run/dist', dist);
  for (const name of ['wit', 'extensions']) link(`sqlite-wasm-run/${name}`, join(root, name));
  cpSync(join(root, 'package.json'), join(modules, 'sqlite-wasm-run/package.json'));
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'authoring-'));
  install();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly status: number | null;
  readonly output: string;
}

function node(cwd: string, ...args: string[]): Ran {
  const env = { ...process.env, SQLITE_WASM_RUN_CACHE: join(folder, 'cache') };
  // If this variable is set, a test run prints no readable output.
  delete (env as NodeJS.ProcessEnv).NODE_TEST_CONTEXT;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, env, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

const create = (...args: string[]): Ran => node(folder, program, 'new-extension', ...args);

function succeed({ status, output }: Ran): string {
  expect(status, output).toBe(0);
  return output;
}

function buildAndTest(world: string, language: string): void {
  const name = `${world}-${language}`;
  succeed(create(name, '--world', world, '--language', language));
  const own = join(folder, name);
  const { scripts } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts).toEqual({ build: 'node build.mjs', test: 'node --test' });
  expect(succeed(node(own, 'build.mjs'))).toMatch(new RegExp(`^${name}\\.wasm: \\d+ bytes\n$`));
  const ran = node(own, '--test');
  if (language === 'typescript' && !runsInterpreters) {
    expect(ran.output).toMatch(/Node v\d+[\d.]* cannot compile .*, which needs Node 22 or later/);
    return;
  }
  const files = readdirSync(join(own, 'tests')).filter((file) => file.endsWith('.test.mjs'));
  const passed = Number(/^(?:# |ℹ )pass (\d+)$/m.exec(succeed(ran))?.[1]);
  expect(passed).toBeGreaterThanOrEqual(files.length);
}

describe.runIf(hasCompiler || long)('extensions in C', () => {
  test('of scalar functions', () => buildAndTest('minimal', 'c'));
  test('of functions, aggregates and tables', () => buildAndTest('analytic', 'c'));
});

describe.runIf(long)('every world in every language', () => {
  const cases = languages.flatMap((language) => worlds.map((world) => [world, language] as const));
  const rest = cases.filter(
    ([world, language]) => language !== 'c' || !['minimal', 'analytic'].includes(world),
  );
  test.each(rest)('%s in %s', buildAndTest);
});

test('without options, an extension in C of scalar functions', () => {
  succeed(create('plain'));
  expect(readFileSync(join(folder, 'plain/src/world.h'), 'utf8')).toContain('#include "minimal.h"');
  expect(readFileSync(join(folder, 'plain/.gitignore'), 'utf8')).toContain('node_modules/');
});

test.each(languages)('no placeholder of the templates is left in %s', (language) => {
  const name = `whole-${language}`;
  succeed(create(name, '--world=full', `--language=${language}`));
  for (const file of readdirSync(join(folder, name), { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const text = readFileSync(join(file.parentPath, file.name), 'utf8');
    expect(text, file.name).not.toMatch(/EXTENSION_NAME|WORLD_|CONTRACT_VERSION|WORLD\./);
  }
});

test('the tested versions are the pinned ones', () => {
  const pinned = (name: string): Record<string, string> => {
    const text = readFileSync(join(folder, name, 'package.json'), 'utf8');
    return (JSON.parse(text) as { devDependencies: Record<string, string> }).devDependencies;
  };
  const installed = (name: string): string =>
    (
      JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as {
        version: string;
      }
    ).version;
  succeed(create('pins-c'));
  succeed(create('pins-typescript', '--language', 'typescript'));
  const c = pinned('pins-c');
  expect(`@yowasp/clang@${c['@yowasp/clang']}`).toBe(compiler.spec);
  expect(c['@bytecodealliance/jco-transpile']).toBe(installed('@bytecodealliance/jco-transpile'));
  const typescript = pinned('pins-typescript');
  expect(typescript['componentize-qjs']).toBe(installed('componentize-qjs'));
  expect(typescript['typescript']).toBe(installed('typescript'));
});

describe('wrong arguments are refused with exit code 2 and a message', () => {
  test.each([
    [['Upper'], '"Upper" cannot be the name of an extension: a name has 1 to 100 of the characters'],
    [['../up'], '"../up" cannot be the name of an extension'],
    [['a/b'], '"a/b" cannot be the name of an extension'],
    [[''], '"" cannot be the name of an extension'],
    [['a b'], '"a b" cannot be the name of an extension'],
    [['.hidden'], '".hidden" cannot be the name of an extension'],
    [['x'.repeat(101)], 'cannot be the name of an extension'],
    [['nul'], '"nul" cannot be the name of an extension: the name is reserved; choose another'],
    [['typescript'], '"typescript" cannot be the name of an extension: the name is reserved'],
    [['fs'], '"fs" cannot be the name of an extension: the name is reserved'],
    [[], 'NAME is missing; see sqlite-wasm-run new-extension --help'],
    [['a', 'b'], 'unexpected argument "b"; see sqlite-wasm-run new-extension --help'],
    [
      ['a', '--world', 'whole'],
      '--world takes minimal, stateful, collating, authorizing, hooked, tabular, ' +
        'tabular-writable, functions-and-tables, analytic or full',
    ],
    [['a', '--language', 'rust'], '--language takes c or typescript, not "rust"'],
    [['a', '--world'], '--world WORLD: the value is missing'],
    [['a', '--force'], 'unknown option --force; see'],
    [['a', '-w', 'full'], 'unknown option -w; see'],
  ])('%j', (args, message) => {
    const { status, output } = create(...args);
    expect(output).toContain('sqlite-wasm-run new-extension: ');
    expect(output).toContain(message);
    expect(output.split('\n')).toHaveLength(2);
    expect(status).toBe(2);
    expect(existsSync(join(folder, 'a'))).toBe(false);
  });

  test('a folder that exists', () => {
    mkdirSync(join(folder, 'there'));
    expect(create('there')).toEqual({
      status: 1,
      output: 'sqlite-wasm-run new-extension: there already exists: choose another name, or move it away\n',
    });
    expect(readdirSync(join(folder, 'there'))).toEqual([]);
  });
});

test('--help names every world and language', () => {
  const help = succeed(create('--help'));
  for (const word of [...worlds, ...languages]) expect(help).toContain(word);
});
