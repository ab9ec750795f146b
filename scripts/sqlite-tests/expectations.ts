/** Reads the expected results from test/sqlite-tests.json. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../sources.js';
import type { Mode } from './modes.js';
import type { FileResult } from './run.js';

interface Entry {
  readonly file: string;
  /** The modes in which the tests fail; all if absent. */
  readonly modes?: readonly Mode[];
  readonly reason: string;
}

interface Failures extends Entry {
  /** The names of the tests; "the end" if the file does not reach it. */
  readonly tests: readonly string[];
}

interface Expectations {
  /** The number of tests of each file. */
  readonly run: Readonly<Record<string, number>>;
  readonly fails: readonly Failures[];
  readonly leftOut: readonly Entry[];
}

const expectations = JSON.parse(readFileSync(join(root, 'test/sqlite-tests.json'), 'utf8')) as Expectations;

const concerns =
  (file: string, mode: Mode) =>
  (entry: Entry): boolean =>
    entry.file === file && (entry.modes?.includes(mode) ?? true);

/** Why a file is not run in a mode; undefined if it is run. */
export function leftOut(file: string, mode: Mode): string | undefined {
  return expectations.leftOut.find(concerns(file, mode))?.reason;
}

/** Returns the differences between a result and the expected result, one per line. */
export function differences(file: string, mode: Mode, result: FileResult): string[] {
  const entries = expectations.fails.filter(concerns(file, mode));
  const known = new Map(entries.flatMap(({ tests, reason }) => tests.map((test) => [test, reason] as const)));
  const failed = new Set(result.failed);
  if (result.broken !== undefined) failed.add('the end');
  const found: string[] = [];
  for (const test of failed) {
    if (known.has(test)) continue;
    found.push(test === 'the end' ? `it did not come to its end: ${result.broken}` : `${test} failed`);
  }
  for (const [test, reason] of known) {
    if (!failed.has(test)) found.push(`${test} passed, but is listed: ${reason}`);
  }
  const run = expectations.run[file];
  if (!known.has('the end') && run !== result.run)
    found.push(`${result.run} tests ran, ${run ?? 'none'} are listed`);
  return found.map((text) => `${file} (${mode}): ${text}`);
}
