/** Runs one test file of SQLite in one mode. */

import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dist } from '../sources.js';
import type { Mode } from './modes.js';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * The folder for databases, in memory if possible, because the tests commit often and would otherwise wait for the
 * disk.
 */
const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export interface FileResult {
  /** The number of tests that ran, such as each `do_test`. */
  readonly run: number;
  /** The names of failed tests. A name may appear twice. */
  readonly failed: readonly string[];
  /** Why the file did not run to its end; undefined if it did. */
  readonly broken?: string;
  readonly output: string;
  readonly seconds: number;
}

/**
 * @param limit the time limit in seconds
 * @param where the folder of the tests in the source
 * @param shell the shell command for shell tests
 */
export async function runFile(
  source: string,
  file: string,
  mode: Mode,
  limit: number,
  where = 'ext/session',
  shell?: readonly string[],
): Promise<FileResult> {
  const work = mkdtempSync(join(folder, 'sqlite-tests-'));
  const sqldiff = join(work, 'sqldiff'); // called as: sqldiff --changeset OUT DB1 DB2
  const command = `exec '${process.execPath}' '${join(dist, 'cli/main.js')}' changeset diff "$3" "$4" -o "$2"`;
  writeFileSync(sqldiff, `#!/bin/sh\n${command}\n`);
  chmodSync(sqldiff, 0o755);
  if (shell) {
    const program = join(work, 'sqlite3');
    writeFileSync(program, `#!/bin/sh\nexec ${shell.map((word) => `'${word}'`).join(' ')} "$@"\n`);
    chmodSync(program, 0o755);
  }
  const bridge = [
    process.execPath,
    '--no-warnings',
    '--import',
    import.meta.resolve('tsx'),
    here('bridge.ts'),
  ];
  const begun = Date.now();
  try {
    const test = join(source, where, `${file}.test`);
    const child = spawn('tclsh', [here('shim.tcl'), source, test, mode, ...bridge, mode, source], {
      cwd: work,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.setEncoding('latin1').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('latin1').on('data', (text: string) => (output += text));
    const timer = setTimeout(() => {
      child.kill('SIGKILL'); // the bridge ends when the pipe closes
    }, limit * 1000);
    await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
    clearTimeout(timer);
    const seconds = (Date.now() - begun) / 1000;
    return {
      ...read(output),
      ...(child.killed && { broken: `out of time after ${limit} s` }),
      output,
      seconds,
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Matches the output of a failed test: the expected value, or an error. */
const failure = /^! (\S+) expected:|^(\S+)\.\.\.\nError: /gm;

function read(output: string): Omit<FileResult, 'output' | 'seconds'> {
  const failed = [...output.matchAll(failure)].map(([, differs, ended]) => differs ?? ended ?? '');
  const summary = /^(\d+) errors out of (\d+) tests/m.exec(output);
  if (!summary) {
    const run = output.match(/^\S+\.\.\./gm)?.length ?? 0;
    return { run, failed, broken: /^(.*)\n {4}while executing/m.exec(output)?.[1] ?? 'no summary' };
  }
  const run = Number(summary[2]) - 1; // the summary also counts as a test
  if (output.includes('the file ended without finish_test')) return { run, failed, broken: 'no finish_test' };
  if (Number(summary[1]) !== failed.length) return { run, failed, broken: `${summary[1]} errors` };
  return { run, failed };
}
