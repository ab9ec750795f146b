/** Builds native programs for comparison, such as a sqlite3 shell from the sources of the core. */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { amalgamation, cache, fetchSource, sha256, shell, shellSource } from '../../scripts/sources.js';
import { features } from '../../scripts/sqlite-options.js';

/** Settings that configure finds on a current Unix, for example that a busy wait may sleep less than a second. */
const platform = [
  '-DHAVE_USLEEP=1',
  '-DHAVE_FDATASYNC=1',
  '-DHAVE_READLINK=1',
  '-DHAVE_LSTAT=1',
  '-DHAVE_LOCALTIME_R=1',
  '-DHAVE_GMTIME_R=1',
];
/** An unfinished build that is older was killed. */
const staleAfter = 10 * 60_000;

let found: { path: string | undefined } | undefined;

/**
 * The path of a native sqlite3 shell, which is built at the first call. If there is no C compiler, prints a notice and
 * returns undefined.
 */
export function nativeShell(): string | undefined {
  found ??= { path: build() };
  return found.path;
}

function build(): string | undefined {
  const compiler = process.env.CC ?? 'cc';
  const version = spawnSync(compiler, ['--version'], { encoding: 'utf8' });
  if (version.status !== 0) {
    console.error(`no C compiler (${compiler}): the tests against native sqlite3 are skipped`);
    return undefined;
  }
  // NDEBUG as in the core's shell, because some assertions of the shell fail.
  const flags = ['-O1', '-w', '-DNDEBUG', ...features, ...platform];
  const key = sha256(version.stdout, JSON.stringify([flags, amalgamation, shell]));
  const parent = join(cache, 'native');
  const folder = join(parent, key.slice(0, 32));
  const program = join(folder, 'sqlite3');
  mkdirSync(parent, { recursive: true });
  const lock = `${folder}.lock`;
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(program)) {
    if (!takeLock(lock)) {
      Atomics.wait(sleeper, 0, 0, 200);
      continue;
    }
    try {
      if (existsSync(program)) break;
      console.error('building a native sqlite3 for the tests');
      const work = mkdtempSync(`${folder}.`);
      const sqlite = join(fetchSource(amalgamation), 'deps/sqlite3');
      const libraries = process.platform === 'darwin' ? [] : ['-ldl', '-lm'];
      try {
        // Compile a copy, because shell.c would find the sqlite3.h of its own version in its folder.
        const program = join(work, 'shell.c');
        copyFileSync(shellSource(), program);
        const sources = [program, join(sqlite, 'sqlite3.c')];
        execFileSync(compiler, [
          ...flags,
          `-I${sqlite}`,
          ...sources,
          '-o',
          join(work, 'sqlite3'),
          ...libraries,
        ]);
        renameSync(work, folder); // rename it when complete, because another worker may be waiting for it
      } finally {
        rmSync(work, { recursive: true, force: true });
      }
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }
  return program;
}

function takeLock(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    const taken = statSync(lock, { throwIfNoEntry: false });
    if (taken && Date.now() - taken.mtimeMs > staleAfter) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

/**
 * Compiles a C program of test/programs against SQLite at the first call; undefined if there is no C compiler. -O0
 * compiles fastest; -O2 is for comparing speeds.
 */
export function nativeProgram(name: string, level: '-O0' | '-O2' = '-O0'): string | undefined {
  return compileNative(name, [programSource(name)], level);
}

/** The path of a C source of test/programs. */
export function programSource(name: string): string {
  return fileURLToPath(new URL(`../programs/${name}.c`, import.meta.url));
}

/** Compiles C sources as nativeProgram does, with additional compiler flags. */
export function compileNative(
  name: string,
  sources: readonly string[],
  level: '-O0' | '-O2' = '-O0',
  more: readonly string[] = [],
): string | undefined {
  const shellProgram = nativeShell();
  if (!shellProgram) return undefined;
  const compiler = process.env.CC ?? 'cc';
  const folder = dirname(shellProgram);
  const sqlite = join(fetchSource(amalgamation), 'deps/sqlite3');
  const flags = [level, '-w', ...features, ...platform, `-I${sqlite}`];
  const library = join(folder, `sqlite3${level}.o`);
  const key = sha256(...sources.map((source) => readFileSync(source)), ...more).slice(0, 16);
  const program = join(folder, `${name}${level}-${key}`);
  const libraries = process.platform === 'darwin' ? [] : ['-ldl', '-lm'];
  const make = (target: string, ...args: string[]): void => {
    if (existsSync(target)) return;
    const made = `${target}.${process.pid}`;
    execFileSync(compiler, [...flags, ...args, '-o', made]);
    renameSync(made, target); // rename it when complete, because another worker may also be making it
  };
  make(library, '-c', join(sqlite, 'sqlite3.c'));
  make(program, ...more, ...sources, library, ...libraries);
  return program;
}
