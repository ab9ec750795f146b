/** Runs other processes for the tests: this package and native sqlite3, with and without strace. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { SqliteError } from '../../host/core/errors.js';
import { FileError } from '../../host/core/host-services.js';
import { testFolder } from '../kit/folder.js';

const program = fileURLToPath(new URL('./statements.ts', import.meta.url));

/** A command line that runs statements.ts. */
export function ours(file: string, timeout: number, ...statements: string[]): [string, ...string[]] {
  return [process.execPath, '--import', 'tsx', program, file, String(timeout), ...statements];
}

/** Runs a command to its end. Returns what it printed, and its status or signal. */
export function run(command: readonly string[], input = ''): { output: string; status: number | string } {
  const [name = '', ...rest] = command;
  const { stdout, stderr, status, signal } = spawnSync(name, rest, { encoding: 'utf8', input });
  return { output: `${stdout}${stderr}`.trim(), status: status ?? signal ?? '' };
}

/** Starts a command, and waits for it to print "ready". */
export async function hold(command: readonly string[], input = ''): Promise<{ release(): Promise<string> }> {
  const [name = '', ...rest] = command;
  const child = spawn(name, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  const ended = new Promise<string>((resolve) => child.on('close', () => resolve(output.trim())));
  child.stdin.write(input);
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (data) => {
      output += String(data);
      if (output.includes('ready')) resolve();
    });
    child.on('close', () => reject(new Error(`ended before it was ready: ${output}`)));
    child.on('error', reject);
  });
  return {
    release() {
      child.stdin.end();
      return ended;
    },
  };
}

/** Starts a command and waits for its end, while others run. */
export function finish(command: readonly string[], input = ''): Promise<string> {
  const [name = '', ...rest] = command;
  const child = spawn(name, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data) => {
    output += String(data);
  });
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('close', () => resolve(output.trim()));
    child.on('error', reject);
  });
}

/** Whether strace is available and permitted. Prints a notice if not. */
export function hasStrace(): boolean {
  const there = spawnSync('strace', ['-e', 'trace=none', 'true']).status === 0;
  if (!there) console.error('no strace: the tests with injected faults are skipped');
  return there;
}

/** Runs a command under strace. Returns its output and the calls that were seen. */
export function traced(
  options: readonly string[],
  command: readonly string[],
): { output: string; calls: string } {
  const log = join(testFolder('traced'), 'strace');
  const { output } = run(['strace', '-o', log, '-y', ...options, ...command]);
  return { output, calls: existsSync(log) ? readFileSync(log, 'utf8') : '' };
}

export function native(shell: string, file: string, ...statements: string[]): string {
  return execFileSync(shell, [file, ...statements], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

/** The extended result code that an action fails with. Undefined if it does not fail. */
export function codeOf(action: () => unknown): number | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof FileError) return error.code;
    if (error instanceof SqliteError) return error.errcode;
    throw error;
  }
}
