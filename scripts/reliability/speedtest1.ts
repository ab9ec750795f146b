/**
 * speedtest1: runs the SQL of SQLite's test/speedtest1.c, which a native build traces. This package's shell and the
 * native shell run it with the same random numbers, and must return the same rows and write the same database file. The
 * API must return the rows of `speedtest1 --verify --output` and make a database with the same content.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileNative, programSource } from '../../test/kit/oracle.js';
import { dist } from '../sources.js';
import { sqliteSource } from '../sqlite-tests/source.js';
import { nativePath, scratchFolder } from './native.js';
import { discardedBy, runByApi, type Test, testsOf, writtenFor } from './speedtest1-script.js';
import type { Failure, Part, SuiteOptions } from './suite.js';

interface Testset {
  readonly name: string;
  readonly options: string;
  /**
   * Whether the content differs in the API, because the testset uses random numbers in a way that the API does not
   * support.
   */
  readonly random?: boolean;
}

/** The testsets except debug1, which has no SQL. */
const testsets: readonly Testset[] = [
  { name: 'main', options: '--testset main --size 15' },
  { name: 'main, WAL', options: '--testset main --size 10 --journal wal --checkpoint --exclusive' },
  { name: 'main, UTF-16', options: '--testset main --size 10 --utf16le --pagesize 512 --cachesize 10' },
  {
    name: 'main, WITHOUT ROWID',
    options: '--testset main --size 10 --without-rowid --strict --notnull --autovacuum --big-transactions',
  },
  { name: 'main, temporary', options: '--testset main --size 10 --temp 9 --incrvacuum --utf16be' },
  { name: 'cte', options: '--testset cte --size 50' },
  { name: 'fp', options: '--testset fp --size 25' },
  { name: 'star', options: '--testset star --size 400' },
  { name: 'orm', options: '--testset orm --size 15' },
  { name: 'rtree', options: '--testset rtree --size 8' },
  { name: 'app', options: '--testset app --size 100' },
  { name: 'json', options: '--testset json --size 20', random: true },
  { name: 'parsenumber', options: '--testset parsenumber --size 25' },
  { name: 'trigger', options: '--testset trigger --size 10' },
];
const quick: readonly Testset[] = [
  { name: 'main', options: '--testset main --size 2' },
  { name: 'json', options: '--testset json --size 5', random: true },
  { name: 'trigger', options: '--testset trigger --size 1' },
];

export async function* run({ short }: SuiteOptions): AsyncGenerator<Part> {
  nativePath();
  const folder = scratchFolder('speedtest1');
  try {
    const program = tracingProgram(folder);
    const isDiscarded = discardedBy(speedtest1Source());
    for (const testset of short ? quick : testsets) {
      yield await compare(testset, program, isDiscarded, folder);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * SQLite's test/speedtest1.c, with its testset "trigger" repaired. This version renames two of its tables, but not
 * everywhere, so it would fail.
 */
export function speedtest1Source(): string {
  const source = readFileSync(join(sqliteSource(), 'test/speedtest1.c'), 'utf8');
  const begin = source.indexOf('void testset_trigger(');
  const end = source.indexOf('\n}\n', begin);
  if (begin < 0 || end < 0) throw new Error('speedtest1.c has no testset_trigger');
  const renamed = source.slice(begin, end).replace(/\bz([12])\b/g, 't$1');
  return source.slice(0, begin) + renamed + source.slice(end);
}

/** A native speedtest1 that can print the SQL that it runs. */
function tracingProgram(folder: string): string {
  const source = join(folder, 'speedtest1.c');
  writeFileSync(source, speedtest1Source());
  const program = compileNative('speedtest1', [source, programSource('trace')], '-O0', [
    '-USQLITE_OMIT_DEPRECATED',
  ]);
  if (!program) throw new Error('speedtest1 needs a C compiler');
  return program;
}

/** The SQL of a testset as a script for the shell. The files that it needs are written to `folder`. */
export function speedtest1Script(options: readonly string[], folder: string): string {
  const traced = join(folder, 'traced.db');
  const args = [...options, '--verify', '--output', join(folder, 'rows'), '--trace', traced];
  const log = execFileSync(tracingProgram(folder), args, { maxBuffer: 2 ** 30 });
  rmSync(traced, { force: true });
  return writtenFor(testsOf(log));
}

async function compare(
  { name, options, random = false }: Testset,
  program: string,
  isDiscarded: (sql: string) => boolean,
  parent: string,
): Promise<Part> {
  const folder = join(parent, 'files');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const at = (file: string): string => join(folder, file);
  const more = ['--verify', '--output', at('rows'), '--trace', at('traced.db')];
  const log = execFileSync(program, [...options.split(' '), ...more], { maxBuffer: 2 ** 30 });
  const tests = testsOf(log);
  if (tests.length < 2 || tests.every(({ statements }) => statements.length === 0)) {
    throw new Error(`speedtest1 ${options} traced no tests`);
  }
  const failures = compareShells(
    tests,
    folder,
    [nativePath()],
    [process.execPath, join(dist, 'cli/main.js')],
  );

  const rows = await runByApi(tests, at('api.db'), isDiscarded);
  note(failures, 'rows by the API', difference(readFileSync(at('rows'), 'latin1'), rows));
  const found = content([nativePath()], at('api.db'));
  if (random) note(failures, 'integrity by the API', found.startsWith('ok\n') ? undefined : found);
  else note(failures, 'content by the API', difference(content([nativePath()], at('traced.db')), found));

  const statements = tests.reduce((sum, test) => sum + test.statements.length, 0);
  const hash = /^Verification Hash: (\d+ .{16})/m.exec(log.toString('latin1'))?.[1];
  return { name, ran: tests.length + 6, failures, note: `${statements} statements, hash ${hash}` };
}

function note(failures: Failure[], name: string, what: string | undefined): void {
  if (what !== undefined) failures.push({ case: name, what });
}

/**
 * Runs the tests in two shells. Returns a failure for each test, and for each property of the database, that differs.
 */
export function compareShells(
  tests: readonly Test[],
  folder: string,
  native: readonly string[],
  ours: readonly string[],
): Failure[] {
  const failures: Failure[] = [];
  const at = (file: string): string => join(folder, file);
  writeFileSync(at('script'), writtenFor(tests));
  const [wanted, got] = [byShell(native, 'native', folder), byShell(ours, 'ours', folder)];
  const [printed, printedByOurs] = [printedBy(tests, wanted.printed), printedBy(tests, got.printed)];
  for (const { title } of tests) {
    note(failures, title, difference(printed.get(title), printedByOurs.get(title)));
  }
  note(failures, 'the end', difference(wanted.end, got.end));
  const same = readFileSync(at('native.db')).equals(readFileSync(at('ours.db')));
  note(failures, 'the bytes of the database', same ? undefined : 'are different');
  const contentOfOurs = content(native, at('ours.db'));
  const ofTheOther = difference(contentOfOurs, content(ours, at('native.db')));
  note(failures, 'each reads the database of the other', ofTheOther);
  const whole = contentOfOurs.startsWith('ok\n');
  note(failures, 'integrity', whole ? undefined : contentOfOurs.slice(0, 200));
  return failures;
}

function byShell(shell: readonly string[], name: string, folder: string): { printed: string; end: string } {
  const [command = '', ...args] = shell;
  const script = openSync(join(folder, 'script'), 'r');
  const output = openSync(join(folder, 'printed'), 'w');
  try {
    const { status, signal, stderr } = spawnSync(command, [...args, join(folder, `${name}.db`)], {
      stdio: [script, output, 'pipe'],
      encoding: 'utf8',
    });
    const end = `${status ?? signal} ${stderr}`.trim();
    return { printed: readFileSync(join(folder, 'printed'), 'latin1'), end };
  } finally {
    closeSync(script);
    closeSync(output);
  }
}

/** The output of each test, by title. */
function printedBy(tests: readonly Test[], printed: string): Map<string, string> {
  const found = new Map<string, string>();
  let rest = printed;
  for (const [i, { title }] of tests.entries()) {
    rest = rest.slice(rest.indexOf(`== ${title}\n`));
    const next = tests[i + 1];
    const end = next ? rest.indexOf(`== ${next.title}\n`) : rest.length;
    found.set(title, rest.slice(0, end < 0 ? rest.length : end));
  }
  return found;
}

/** The first different line. */
function difference(expected = '', found = ''): string | undefined {
  if (expected === found) return undefined;
  const [wanted, got] = [expected.split('\n'), found.split('\n')];
  const i = wanted.findIndex((line, at) => line !== got[at]);
  const at = i < 0 ? wanted.length : i;
  return `line ${at + 1}: ${got[at]?.slice(0, 200)}; expected: ${wanted[at]?.slice(0, 200)}`;
}

/** The result of integrity_check, and the content as SQL. */
function content(shell: readonly string[], file: string): string {
  const [command = '', ...args] = shell;
  return execFileSync(command, [...args, file], {
    input: 'PRAGMA integrity_check;\n.dump\n',
    encoding: 'latin1',
    maxBuffer: 2 ** 30,
  });
}
