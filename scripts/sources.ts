/**
 * The packages that the builds download from the registry in addition to `npm ci`. Each is checked against a pinned
 * digest.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
/** The folder of the build. SQLITE_WASM_RUN_DIST sets another folder, for several builds. */
export const dist = join(root, process.env.SQLITE_WASM_RUN_DIST ?? 'dist');
/** The cache folder. `SQLITE_WASM_RUN_BUILD_CACHE` sets another folder. */
export const cache = process.env.SQLITE_WASM_RUN_BUILD_CACHE ?? join(root, '.cache');

export interface Source {
  readonly spec: string;
  /** The registry's sha512 of the package file. */
  readonly integrity: string;
}

/** SQLite's amalgamation: sqlite3.c, sqlite3.h and sqlite3ext.h in `deps/sqlite3`. */
export const amalgamation: Source = {
  spec: 'better-sqlite3@13.2.0',
  integrity:
    'sha512-Z8Q/9x/uNyKxA1v4FNodyItRVRw1TeKBrmj32JhxhR0ceNcBY+wMobt/Bv7M7TzwPAXjnZRtNaEsATnUZSKWZQ==',
};

/** The sqlite3 shell: shell.c of 3.53.4. No package has shell.c of 3.54.1. */
export const shell: Source = {
  spec: '@appthreat/sqlite3@9.0.2',
  integrity:
    'sha512-i/TUHpgZT210LsP47WSnOuUp8mCfJpuZ3VTiUYue54h4TR23NHbMJm8hbtD5Aq3CMjd5xg3+tTCRyvn0oEq32g==',
};

/** clang and wasm-ld, compiled to WebAssembly. */
export const compiler: Source = {
  spec: '@yowasp/clang@22.0.0-git20542-10',
  integrity:
    'sha512-V31/z9GrJECKeACTDUyvg2llbEUiFi3bxtL5HSg7H/6sydSxdI/AoVAD9F5ozrfLjotWl0B9rghR87m+DUM/zg==',
};

/** The folder of a package, which may not exist yet. */
export function sourceFolder(source: Source): string {
  const name = source.spec.replace(/[^\w.-]+/g, '-').replace(/^-/, '');
  return join(cache, 'sources', name);
}

/** Downloads and unpacks a package unless its folder exists. Returns the folder. */
export function fetchSource(source: Source): string {
  const folder = sourceFolder(source);
  if (!existsSync(folder)) {
    console.error(`fetching ${source.spec}`);
    const work = `${folder}.${process.pid}`;
    mkdirSync(work, { recursive: true });
    try {
      const packed = execFileSync(
        'npm',
        ['pack', source.spec, '--json', '--silent', '--pack-destination', work],
        {
          encoding: 'utf8',
          cwd: work,
        },
      );
      const file = join(work, (JSON.parse(packed) as { filename: string }[])[0]?.filename ?? '');
      const integrity = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
      if (integrity !== source.integrity) {
        throw new Error(`${source.spec}: the registry sent ${integrity}, but ${source.integrity} is pinned`);
      }
      execFileSync('tar', ['xzf', file, '-C', work]);
      renameSync(join(work, 'package'), folder);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return folder;
}

/** Downloads shell.c unless it exists. Returns its path. */
export function shellSource(): string {
  return join(fetchSource(shell), 'deps/sqlite-amalgamation-3530400/shell.c');
}

export function sha256(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(`${typeof part === 'string' ? Buffer.byteLength(part) : part.length}:`).update(part);
  }
  return hash.digest('hex');
}
