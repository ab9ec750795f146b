/**
 * mptest: runs SQLite's unmodified scripts for several processes, which crash within transactions and change page sizes
 * and journals. SQLite's mptest.c with native SQLite and test/programs/mptest.ts with the API supervise each other's
 * clients. No process may report an error, all tests must run, and both must find the file intact.
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileNative, programSource } from '../../test/kit/oracle.js';
import { dist } from '../sources.js';
import { sqliteSource } from '../sqlite-tests/source.js';
import { compiled, nativePath, scratchFolder } from './native.js';
import type { Failure, Part, SuiteOptions } from './suite.js';

const who = {
  'all native': { supervisor: 'native', ours: [] },
  'native supervises, ours crashes': { supervisor: 'native', ours: [1, 3, 5] },
  'native supervises and crashes': { supervisor: 'native', ours: [2, 4] },
  'ours supervises and crashes': { supervisor: 'ours', ours: [1, 3, 5] },
  'ours supervises, native crashes': { supervisor: 'ours', ours: [2, 4] },
  'all ours': { supervisor: 'ours', ours: [1, 2, 3, 4, 5] },
} as const;
type Who = keyof typeof who;
const mixed = Object.keys(who).filter((name) => name.includes('supervises')) as Who[];

/** The config scripts change journals and page sizes, which is impossible in WAL mode. */
const scripts: Readonly<Record<string, readonly string[]>> = {
  multiwrite01: ['delete', 'truncate', 'persist', 'wal'],
  crash01: ['delete', 'truncate', 'persist', 'wal'],
  config01: ['delete'],
  config02: ['delete', 'truncate', 'persist'],
};
const limit = 300;

export async function* run({ short }: SuiteOptions): AsyncGenerator<Part> {
  nativePath();
  const source = join(sqliteSource(), 'mptest');
  const flags = ['-USQLITE_OMIT_DEPRECATED'];
  const native =
    compileNative('mptest', [join(source, 'mptest.c'), programSource('trace')], '-O0', flags) ?? '';
  const script = (name: string): string => join(source, `${name}.test`);
  if (short) {
    for (const name of ['native supervises, ours crashes', 'ours supervises, native crashes'] as const) {
      yield await runMptest(script('multiwrite01'), 'wal', name, native);
    }
    return;
  }
  for (const [name, journals] of Object.entries(scripts)) {
    const alone = await runMptest(script(name), 'delete', 'all native', native);
    yield alone;
    for (const journal of journals) {
      for (const one of [...mixed, 'all ours'] as const) {
        const part = await runMptest(script(name), journal, one, native);
        const what = `${part.ran} tests of clients ran, of native's alone ${alone.ran}`;
        yield part.ran === alone.ran
          ? part
          : { ...part, failures: [...part.failures, { case: 'count', what }] };
      }
    }
  }
}

/** @param native the program of mptest.c; undefined to run only mptest.ts */
export async function runMptest(script: string, journal: string, name: Who, native = ''): Promise<Part> {
  const { supervisor, ours } = who[name];
  const folder = scratchFolder('mptest');
  const file = join(folder, 'mptest.db');
  try {
    const ourCommand = [process.execPath, compiled('mptest', folder), dist];
    const options = ['--journalmode', journal, '--timeout', '10000'];
    // The supervisor starts clients by a shell, with its own name as the command: FILE --client N --trace N.
    const start = join(folder, 'start');
    const [command, ...more] = [...ourCommand, '"$@"', ...options];
    writeFileSync(
      start,
      `#!/bin/sh\ncase " ${ours.join(' ')} " in\n*" $3 "*) exec ${[command, ...more].join(' ')} ;;\n` +
        `*) exec ${native} "$@" ${options.join(' ')} ;;\nesac\n`,
    );
    chmodSync(start, 0o755);
    const args = [file, ...options, script];
    const [program = '', ...before] = supervisor === 'ours' ? ourCommand : [native];
    const child = spawn(program, [...before, ...args], {
      ...(supervisor === 'native' && { argv0: start }),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a process group for it and its clients
      env: { ...process.env, MPTEST_START: start },
    });
    let output = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, limit * 1000);
    await once(child, 'close'); // after all clients have closed its output
    clearTimeout(timer);
    const failures = failuresIn(output, stderr, child.exitCode);
    const clients = output.match(/start-client/g)?.length ?? 0;
    const ask = (shell: readonly string[], sql: string): string => {
      const [path = '', ...first] = shell;
      return execFileSync(path, [...first, file, sql], { encoding: 'utf8' }).trim();
    };
    const look = 'PRAGMA integrity_check; PRAGMA journal_mode; SELECT nTest FROM counters;';
    const [whole = '', mode = '', tests = ''] = ask([nativePath()], look).split('\n');
    if (whole !== 'ok') failures.push({ case: 'integrity', what: whole });
    if ((mode === 'wal') !== (journal === 'wal')) failures.push({ case: 'journal', what: mode });
    const found = ask([process.execPath, join(dist, 'cli/main.js')], 'PRAGMA integrity_check');
    if (found !== 'ok') failures.push({ case: 'integrity to us', what: found });
    const part = /(\w+)\.test$/.exec(script)?.[1] ?? script;
    return { name: `${part}, ${journal}, ${name}`, ran: Number(tests), failures, note: `${clients} clients` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The failures that processes report, by the process name without its id. */
function failuresIn(output: string, stderr: string, status: number | null): Failure[] {
  const failures: Failure[] = [];
  for (const [, name = '', what = ''] of output.matchAll(/^\d+\.(\w+):(?:ERROR|FATAL): (.*)$/gm)) {
    failures.push({ case: name, what });
  }
  const [, count] = /^Summary: (\d+) errors/m.exec(output) ?? [];
  const isSaid = failures.length > 0 && status === 1;
  if (count === undefined || (status !== 0 && !isSaid))
    failures.push({ case: 'the end', what: `${status} ${stderr}` });
  else if (stderr !== '') failures.push({ case: 'stderr', what: stderr });
  return failures;
}
