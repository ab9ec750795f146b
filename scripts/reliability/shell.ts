/**
 * Runs SQLite's unmodified shell tests with this package's shell and with native sqlite3 of the same sources. The same
 * tests must pass. Tests that fail because they belong to another version must print the same output.
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { dist } from '../sources.js';
import { type FileResult, runFile } from '../sqlite-tests/run.js';
import { sqliteSource } from '../sqlite-tests/source.js';
import { nativePath } from './native.js';
import { type Failure, type Part, type SuiteOptions, Unavailable } from './suite.js';

const files = '123456789AB'.split('').map((letter) => `shell${letter}`);
const quick = ['shell2', 'shell3', 'shell4', 'shellA'];
const limit = 600;

export async function* run({ short }: SuiteOptions): AsyncGenerator<Part> {
  const native = [nativePath()];
  const ours = [process.execPath, join(dist, 'cli/main.js')];
  if (spawnSync('tclsh', { input: 'exit [catch {package require Tcl 8.6}]' }).status !== 0) {
    throw new Unavailable('there is no tclsh 8.6');
  }
  const source = sqliteSource();
  for (const file of short ? quick : files) {
    const [expected, found] = [
      await runFile(source, file, 'base', limit, 'test', native),
      await runFile(source, file, 'base', limit, 'test', ours),
    ];
    const failures: Failure[] = [];
    const [wanted, got] = [outcomes(expected), outcomes(found)];
    for (const name of new Set([...wanted.keys(), ...got.keys()])) {
      if (wanted.get(name) === got.get(name)) continue;
      failures.push({
        case: name,
        what: `${got.get(name) ?? 'did not run'}; native: ${wanted.get(name) ?? 'did not run'}`,
      });
    }
    if (found.broken !== expected.broken) failures.push({ case: 'the end', what: found.broken ?? 'reached' });
    const both = expected.failed.length;
    yield { name: file, ran: got.size, failures, note: both > 0 ? `${both} fail with native as well` : '' };
  }
}

/** The output of each test: "Ok" or the failure. */
function outcomes({ output }: FileResult): Map<string, string> {
  const found = new Map<string, string>();
  let name = '';
  for (const line of output.split('\n')) {
    const begins = /^(\S+)\.\.\.(.*)$/.exec(line);
    if (/^\d+ errors out of/.test(line)) break;
    if (begins) {
      name = begins[1] ?? '';
      found.set(name, `${found.get(name) ?? ''}${begins[2]}`);
    } else if (name !== '') {
      found.set(name, `${found.get(name)}\n${line}`);
    }
  }
  return found;
}
