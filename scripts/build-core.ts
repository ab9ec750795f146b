/**
 * Builds host/core/sqlite3.wasm: SQLite, its shell and the bridge to the host.
 *
 *     npm run build:core              builds what is out of date
 *     npm run build:core -- --check   builds from the sources, and fails if the result differs from the committed file
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseHints, withHints } from './branches/hints.js';
import { clang } from './clang.js';
import { amalgamation, fetchSource, root, sha256, shellSource } from './sources.js';
import { features, patchedLibrary, patchedShell } from './sqlite-options.js';

const folder = join(root, 'host/core/c');
const target = join(root, 'host/core/sqlite3.wasm');

const machine = [
  '--target=wasm32-wasip1',
  '-O2',
  '-msimd128',
  '-mbulk-memory',
  '-msign-ext',
  '-mnontrapping-fptoint',
  '-ffile-prefix-map=./=',
];
// sqlite3.h omits load_extension if __wasi__ is defined. SQLITE_WASI keeps the other effects of __wasi__.
const sqlite = ['-U__wasi__', '-DSQLITE_WASI=1', '-DSQLITE_OS_OTHER=1', '-DHAVE_LOCALTIME_R=1', ...features];
// scripts/profile counted how often each branch runs: clang lays out and inlines by it.
const profile = 'sqlite3.profdata';
const profiled = [
  `-fprofile-instr-use=${profile}`,
  '-Wno-profile-instr-unprofiled',
  '-Wno-backend-plugin', // says which functions the target compiles differently
  // A branch that less than a ten-thousandth of all counts comes from is cold: it is compiled for size, and not inlined.
  '-mllvm',
  '-profile-summary-cutoff-cold=999900',
  // A function called often is inlined as readily as any other, because sqlite3VdbeExec must not grow: V8 on Node 20
  // allocates registers worse in a function that is larger.
  '-mllvm',
  '-inlinehint-threshold=225',
];
// Functions that clang would inline, however rarely they run, because they are called in one place: in the parser, at the
// end of a statement and in an insert. V8 optimizes functions in the order of the bytes that ran, and takes longer for a
// large one. Apart, the first 100,000 inserts of a process take x0.85.
const apart = [
  'balance_nonroot',
  'sqlite3ConnectionUnlocked',
  'sqlite3ExprAssignVarNumber',
  'sqlite3ExprListSetSortOrder',
  'sqlite3FinishCoding',
  'vdbeCommit',
  'yy_reduce',
];
const keptApart = apart.flatMap((name) => ['-mllvm', `-force-attribute=${name}:noinline`]);
const shellOnly = [
  '-USQLITE_WASI', // it would disable popen, which terminal.c implements
  '-Dmain=shell_main',
  '-Dsqlite3_step=shell_step', // deadline.c
  '-Dsqlite3_errmsg=shell_errmsg', // reasons.c
  '-Dsqlite3_exec=shell_sql',
  '-Dsqlite3_str_errcode=shell_str_errcode', // interrupts.c
  '-Dsqlite3_backup_init=shell_backup_init',
  '-Dsqlite3_backup_step=shell_backup_step',
  '-Dsqlite3_backup_finish=shell_backup_finish',
  '-DHAVE_LINENOISE=1',
  '-DNDEBUG', // some of the shell's assertions fail
  '-D_WASI_EMULATED_SIGNAL',
  '-D_WASI_EMULATED_PROCESS_CLOCKS',
  '-D_WASI_EMULATED_GETPID',
  '-I.',
  '-include',
  'processes.h',
];

async function build(): Promise<Uint8Array> {
  const sqliteFolder = join(fetchSource(amalgamation), 'deps/sqlite3');
  const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));
  const own = (...names: string[]): Record<string, Uint8Array> =>
    Object.fromEntries(names.map((name) => [name, read(join(folder, name))]));
  const header = { 'sqlite3.h': read(join(sqliteFolder, 'sqlite3.h')) };
  const text = (path: string): string => readFileSync(path, 'utf8');
  const bytes = (source: string): Uint8Array => new TextEncoder().encode(source);
  const shellHeader = join(dirname(shellSource()), 'sqlite3.h');
  const compile = (flags: string[], name: string, files: Record<string, Uint8Array>): Promise<Uint8Array> =>
    clang([...machine, ...flags, '-c', name], { ...header, ...files }, name.replace('.c', '.o'));

  const library = patchedLibrary(text(join(sqliteFolder, 'sqlite3.c')));
  for (const name of apart) {
    // LLVM ignores the attribute of a function that does not exist.
    if (!new RegExp(`^[^*/]*\\b${name}\\(`, 'm').test(library))
      throw new Error(`SQLite has no function ${name}`);
  }

  const [engine, program] = await Promise.all([
    compile([...sqlite, ...profiled, ...keptApart], 'sqlite3.c', {
      ...own(profile),
      'sqlite3.c': bytes(library),
    }),
    compile([...sqlite, ...shellOnly], 'shell.c', {
      ...own('buffers.h', 'linenoise.h', 'processes.h', 'pwd.h'),
      'shell.c': bytes(patchedShell(text(shellSource()), text(shellHeader))),
    }),
  ]);
  const objects: Record<string, Uint8Array> = { 'sqlite3.o': engine, 'shell.o': program };
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.c'))) {
    objects[name.replace('.c', '.o')] = await compile(
      [
        '-DSQLITE_ENABLE_SESSION',
        '-DSQLITE_ENABLE_PREUPDATE_HOOK',
        '-D_WASI_EMULATED_SIGNAL',
        '-D_WASI_EMULATED_PROCESS_CLOCKS',
        '-Wall',
        '-Wextra',
        '-matomics', // for the fence of vfs.c; the memory itself is not shared
      ],
      name,
      own(name, 'buffers.h', 'host.h', 'linenoise.h', 'processes.h', 'pwd.h'),
    );
  }
  const exported = readFileSync(join(folder, 'exports.txt'), 'utf8').split('\n').filter(Boolean);
  return clang(
    [
      '--target=wasm32-wasip1',
      '-mexec-model=reactor',
      '-O2',
      ...Object.keys(objects),
      '-lwasi-emulated-signal',
      '-lwasi-emulated-process-clocks',
      '-lwasi-emulated-getpid',
      '-Wl,--stack-first',
      '-Wl,-z,stack-size=1048576',
      '-Wl,--max-memory=4294967296',
      '-Wl,--strip-all',
      '-Wl,--wrap=sbrk',
      '-Wl,--wrap=sqlite3_hard_heap_limit64',
      '-Wl,--wrap=sqlite3_progress_handler',
      '-Wl,--wrap=sqlite3_open_v2',
      '-Wl,--wrap=sqlite3_open',
      '-Wl,--wrap=sqlite3_set_authorizer',
      '-Wl,--wrap=sqlite3_commit_hook',
      '-Wl,--wrap=sqlite3_rollback_hook',
      '-Wl,--wrap=sqlite3_update_hook',
      '-Wl,--wrap=sqlite3_wal_hook',
      '-Wl,--wrap=sqlite3_wal_autocheckpoint',
      '-Wl,--wrap=sqlite3_reset',
      '-Wl,--wrap=sqlite3_finalize',
      '-Wl,--wrap=sqlite3_exec',
      '-Wl,--wrap=sqlite3_step',
      '-Wl,--wrap=sqlite3_prepare_v2',
      '-Wl,--wrap=sqlite3_prepare_v3',
      '-Wl,--wrap=sqlite3_close',
      '-Wl,--wrap=sqlite3_close_v2',
      ...exported.map((name) => `-Wl,--export=${name}`),
    ],
    objects,
    'sqlite3.wasm',
  );
}

const hints = parseHints(readFileSync(join(folder, 'branches.txt'), 'utf8'));
const { module: built, applied } = withHints(await build(), hints);
if (applied < hints.size) {
  console.error(
    `${hints.size - applied} of ${hints.size} functions changed: run npm run build:branches for their hints`,
  );
}
const committed = existsSync(target) ? readFileSync(target) : undefined;
if (committed && sha256(committed) === sha256(built)) {
  console.error(`host/core/sqlite3.wasm is up to date (${built.length} bytes)`);
} else if (process.argv.includes('--check')) {
  console.error('host/core/sqlite3.wasm is out of date: run npm run build:core and commit it');
  process.exitCode = 1;
} else {
  writeFileSync(target, built);
  console.error(`host/core/sqlite3.wasm: ${built.length} bytes`);
}
