/**
 * Builds the native programs for comparison: the same SQLite, compiled by the machine's C compiler with optimization.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { amalgamation, cache, fetchSource, root, sha256, shell, shellSource } from '../sources.js';
import { features } from '../sqlite-options.js';

const compiler = process.env.CC ?? 'cc';
const flags = ['-O2', '-w', ...features, '-DHAVE_USLEEP=1', '-DHAVE_FDATASYNC=1', '-DHAVE_LOCALTIME_R=1'];
const libraries = process.platform === 'darwin' ? [] : ['-ldl', '-lm'];

/** Compiles a program unless it already exists. Undefined if there is no C compiler. */
function build(name: string, ...sources: readonly string[]): string | undefined {
  const version = spawnSync(compiler, ['--version'], { encoding: 'utf8' });
  if (version.status !== 0) return undefined;
  const library = join(fetchSource(amalgamation), 'deps/sqlite3');
  const key = sha256(version.stdout, JSON.stringify([flags, amalgamation, shell]));
  const folder = join(cache, 'bench', key.slice(0, 32));
  const make = (target: string, ...args: string[]): void => {
    if (existsSync(target)) return;
    const made = `${target}.${process.pid}`;
    execFileSync(compiler, [...flags, `-I${library}`, ...args, '-o', made], { stdio: 'inherit' });
    renameSync(made, target);
  };
  const object = join(folder, 'sqlite3.o');
  // Copy the sources, because shell.c would find the sqlite3.h of its own version in its folder.
  const digest = sha256(...sources.map((source) => readFileSync(source)));
  const copies = join(folder, `${name}-${digest.slice(0, 16)}`);
  mkdirSync(copies, { recursive: true });
  if (!existsSync(object)) console.error('compiling a native SQLite for comparison, once');
  make(object, '-c', join(library, 'sqlite3.c'));
  const files = sources.map((source) => join(copies, basename(source)));
  for (const [i, source] of sources.entries()) copyFileSync(source, files[i] ?? '');
  const program = join(copies, name);
  make(program, ...files.filter((file) => file.endsWith('.c')), object, ...libraries);
  return program;
}

/** Builds the sqlite3 shell. */
export function nativeShell(): string | undefined {
  return build('shell', shellSource());
}

/** Builds the workloads of work.ts in C. */
export function nativeWork(): string | undefined {
  const names = ['work.c', 'work-sessions.c', 'work.h'];
  return build('work', ...names.map((name) => join(root, 'scripts/bench', name)));
}
