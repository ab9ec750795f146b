/**
 * Makes host/core/c/sqlite3.profdata: how often each branch of SQLite runs, which clang uses to lay out and inline.
 *
 *     npm run build:profile
 *
 * It needs clang and llvm-profdata of the pinned compiler's major version, as programs of this machine (CLANG and
 * PROFDATA name them): only programs of this machine can count. SQLite's own speedtest1, the works of the benchmark and
 * features.sql are counted. Two runs give slightly different counts, so the profile is committed.
 */

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { speedtest1Source } from '../reliability/speedtest1.js';
import { amalgamation, compiler, fetchSource, root, shellSource } from '../sources.js';
import { features, patchedLibrary } from '../sqlite-options.js';

const [, major = ''] = /@(\d+)\./.exec(compiler.spec) ?? [];
const clang = process.env.CLANG ?? `clang-${major}`;
const profdata = process.env.PROFDATA ?? `llvm-profdata-${major}`;
const target = join(root, 'host/core/c/sqlite3.profdata');

/**
 * Functions of which the profile says nothing. V8 compiles them when a process runs its first statements, and a profile
 * makes them larger: sqlite3VdbeExec by half, the others threefold. The first 100,000 inserts would take longer than the
 * later ones save.
 */
const withoutCounts = new Set([
  'sqlite3VdbeExec',
  'sqlite3VdbeHalt',
  'sqlite3BtreeInsert',
  'balance',
  'balance_nonroot',
]);

const folder = mkdtempSync(join(tmpdir(), 'profile-'));
const library = join(fetchSource(amalgamation), 'deps/sqlite3');
const flags = ['-O2', '-w', ...features, '-DHAVE_USLEEP=1', '-DHAVE_LOCALTIME_R=1', `-I${library}`];
/** The files of counts, one of each run. */
const counted: string[] = [];
try {
  checkVersion();
  const object = compileLibrary();
  const programs = {
    shell: link('shell', object, [shellSource()]),
    work: link(
      'work',
      object,
      ['work.c', 'work-sessions.c', 'work.h'].map((name) => join(root, 'scripts/bench', name)),
    ),
    speedtest1: link('speedtest1', object, [write('speedtest1.c', speedtest1Source())]),
  };
  for (const testset of [
    'main',
    'cte',
    'fp',
    'star',
    'orm',
    'rtree',
    'app',
    'json',
    'parsenumber',
    'trigger',
  ]) {
    count(programs.speedtest1, [
      '--testset',
      testset,
      '--size',
      testset === 'main' ? '20' : '10',
      join(folder, `${testset}.db`),
    ]);
  }
  count(programs.speedtest1, ['--size', '5', '--utf16le', '--journal', 'wal', join(folder, 'wal.db')]);
  for (const group of ['memory', 'files', 'sessions', 'stream', 'rows', 'codec']) {
    count(programs.work, [group, folder, '1', '30000']);
  }
  count(programs.shell, [join(folder, 'features.db')], join(root, 'scripts/profile/features.sql'));

  const text = execFileSync(profdata, ['merge', '-text', ...counted], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const kept = write('kept.txt', without(text));
  execFileSync(profdata, ['merge', kept, '-o', target], { stdio: 'inherit' });
  console.error(`${target}: ${statSync(target).size} bytes; npm run build:core compiles with it`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function checkVersion(): void {
  let version: string;
  try {
    version = execFileSync(clang, ['--version'], { encoding: 'utf8' });
    execFileSync(profdata, ['show', '--help'], { stdio: 'ignore' });
  } catch {
    throw new Error(
      `cannot run ${clang} and ${profdata}: install clang and llvm ${major}, or set CLANG and PROFDATA to the programs`,
    );
  }
  const [found = version] = /version [\d.]+/.exec(version) ?? [];
  if (!found.startsWith(`version ${major}.`)) {
    throw new Error(
      `${clang} is ${found}; the profile must come from version ${major}, as the pinned compiler is`,
    );
  }
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** SQLite, patched as in the core, that counts. */
function compileLibrary(): string {
  const source = write('sqlite3.c', patchedLibrary(readFileSync(join(library, 'sqlite3.c'), 'utf8')));
  const object = join(folder, 'sqlite3.o');
  execFileSync(clang, [...flags, '-fprofile-instr-generate', '-c', source, '-o', object], {
    stdio: 'inherit',
  });
  return object;
}

/** A program of these sources with that library. */
function link(name: string, object: string, sources: readonly string[]): string {
  const own = join(folder, name);
  mkdirSync(own);
  // Not in their own folder: shell.c would find the sqlite3.h of its own version there.
  const files = sources.map((source) => join(own, basename(source)));
  for (const [i, source] of sources.entries()) copyFileSync(source, files[i] ?? '');
  const program = join(own, 'program');
  const compiled = files.filter((file) => file.endsWith('.c'));
  execFileSync(
    clang,
    [...flags, '-fprofile-instr-generate', ...compiled, object, '-ldl', '-lm', '-o', program],
    {
      stdio: 'inherit',
    },
  );
  return program;
}

/** Runs a program, with a file as its input, and keeps its counts. */
function count(program: string, args: readonly string[], input?: string): void {
  console.error(`counting ${basename(join(program, '..'))} ${args.join(' ')}`);
  const file = join(folder, `${counted.length}.profraw`);
  counted.push(file);
  execFileSync(program, args, {
    input: input === undefined ? '' : readFileSync(input),
    stdio: ['pipe', 'ignore', 'inherit'],
    env: { ...process.env, LLVM_PROFILE_FILE: file },
  });
}

/** A profile as text, without the functions of {@link withoutCounts} and those of the programs. */
function without(profile: string): string {
  const left = new Set(withoutCounts);
  const kept = profile.split('\n\n').filter((record) => {
    const [name = ''] = /^[^#:\s].*$/m.exec(record) ?? [];
    const plain = name.replace(/^sqlite3\.c:/, '');
    left.delete(plain);
    return name.startsWith('sqlite3') && !withoutCounts.has(plain);
  });
  if (left.size > 0) throw new Error(`SQLite has no function ${[...left].join(', ')}`);
  return `${kept.join('\n\n')}\n`;
}
