/** Runs native sqlite3 to check files, and compiles programs of the suites. */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { nativeShell } from '../../test/kit/oracle.js';
import { Unavailable } from './suite.js';

export function nativePath(): string {
  const path = nativeShell();
  if (path === undefined) throw new Unavailable('there is no C compiler to build native sqlite3 with');
  return path;
}

/** Makes a folder, in memory if possible, because the suites sync often and would otherwise wait for the disk. */
export function scratchFolder(name: string): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), `${name}-`));
}

/** A native shell that answers many requests. */
export class Native implements Disposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  #output = '';
  #wake = (): void => {};
  #asked = 0;

  constructor() {
    // Error messages and results arrive in order.
    this.#child = spawn('sh', ['-c', 'exec "$0" 2>&1', nativePath()], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
      this.#wake();
    });
    this.#child.on('close', () => this.#wake());
    this.#child.stdin.on('error', () => {}); // the shell ended; `ask` reports that
  }

  /** Returns the output of the shell. @param input lines for the shell */
  async ask(input: string): Promise<string> {
    const end = `end of ${++this.#asked}\n`;
    this.#child.stdin.write(`${input}\n.print ${end}`);
    while (!this.#output.endsWith(end)) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`native sqlite3 ended: ${this.#output}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const output = this.#output.slice(0, -end.length).trim();
    this.#output = '';
    return output;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}

/**
 * Compiles a program of test/programs that imports no files of this package, so that it starts without tsx. Returns its
 * path.
 */
export function compiled(name: string, folder: string): string {
  const source = fileURLToPath(new URL(`../../test/programs/${name}.ts`, import.meta.url));
  const { code } = transformSync(readFileSync(source, 'utf8'), {
    loader: 'ts',
    format: 'esm',
    target: 'es2022',
  });
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, code);
  return path;
}
