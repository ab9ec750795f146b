/**
 * Runs SQLite's unmodified session tests with the public API of dist/. Tcl runs the tests and sends its commands
 * through a pipe to bridge.ts. test/sqlite-tests.json lists the tests that fail, with the reason. The script fails if
 * another test fails or a listed test passes.
 *
 *     npm run test:sqlite [-- --short] [--modes base,strm] [--files session1,sessionB] [--output] [--archive FILE]
 *
 * `--short` runs only fast files in mode `base`. `--output` prints the output of files with differences. `--archive` is
 * the archive of SQLite's source, if no apt mirror has it.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { differences, leftOut } from './expectations.js';
import { type Mode, modes } from './modes.js';
import { runFile } from './run.js';
import { sqliteSource } from './source.js';

/** Files that the short form skips. */
const slow = new Set(['session5', 'sessionB']);
/** The time limit of a file, in seconds. */
const limit = 600;

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    modes: { type: 'string' },
    files: { type: 'string' },
    output: { type: 'boolean', default: false },
    archive: { type: 'string' },
  },
});

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

function found(archive: string | undefined): string {
  try {
    return sqliteSource(archive);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function chosen<T extends string>(what: string, given: string | undefined, all: readonly T[]): readonly T[] {
  if (given === undefined) return all;
  return given.split(',').map((name) => all.find((one) => one === name) ?? fail(`Unknown ${what} ${name}.`));
}

if (spawnSync('tclsh', { input: 'exit [catch {package require Tcl 8.6}]' }).status !== 0) {
  fail('These tests need tclsh 8.6 in PATH: install the package tcl (apt-get install tcl).');
}
const source = found(values.archive);
const all = readdirSync(join(source, 'ext/session'))
  .flatMap((name) => (name.endsWith('.test') ? [name.slice(0, -'.test'.length)] : []))
  .sort();
const known = Object.keys(modes) as Mode[];
const wanted = chosen('mode', values.modes, values.short ? ['base'] : known);
const files = chosen('file', values.files, all).filter((file) => !values.short || !slow.has(file));

const wrong: string[] = [];
const sums = new Map(wanted.map((mode) => [mode, { passed: 0, run: 0 }]));
const line = (cells: readonly string[]): void => {
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(18) : cell.padStart(12))).join(''));
};
line(['passed/run', ...wanted]);
for (const file of files) {
  const cells: string[] = [];
  for (const mode of wanted) {
    if (leftOut(file, mode) !== undefined) {
      cells.push('-');
      continue;
    }
    const result = await runFile(source, file, mode, limit);
    const differing = differences(file, mode, result);
    wrong.push(...differing);
    if (differing.length > 0 && values.output) console.log(result.output);
    const passed = result.run - result.failed.length;
    const sum = sums.get(mode);
    if (sum) {
      sum.passed += passed;
      sum.run += result.run;
    }
    cells.push(`${passed}/${result.run}${result.broken === undefined ? '' : ' ...'}`);
  }
  line([file, ...cells]);
}
line(['all', ...[...sums.values()].map(({ passed, run }) => `${passed}/${run}`)]);
for (const text of wrong) console.error(text);
process.exitCode = wrong.length > 0 ? 1 : 0;
