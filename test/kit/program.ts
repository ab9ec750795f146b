/** Runs the built command line to its end. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { dist } from '../../scripts/sources.js';

/** The path of `sqlite-wasm-run`. */
export const program: string = join(dist, 'cli/main.js');

export interface Ran {
  /** The exit code; null if a signal ended it. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The input and environment of a run. Without `input` the standard input is empty. */
export interface Given {
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs the program and also returns its standard output as bytes. */
export function runBytes(
  args: readonly string[],
  { input = '', cwd, env }: Given = {},
): Ran & { bytes: Buffer } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd,
    input,
    env: { ...process.env, ...env },
  });
  return { code: status, out: stdout.toString(), err: stderr.toString(), bytes: stdout };
}

export function runProgram(args: readonly string[], given: Given = {}): Ran {
  const { code, out, err } = runBytes(args, given);
  return { code, out, err };
}
