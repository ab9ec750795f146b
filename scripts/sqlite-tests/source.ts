/** Downloads SQLite's source with its tests from Debian's source package. The amalgamation has no tests. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cache } from '../sources.js';

/** The archive in Debian unstable. */
const archive = {
  version: '3.53.4',
  path: 'pool/main/s/sqlite3/sqlite3_3.53.4.orig.tar.xz',
  sha256: '05366adc8ee80c6b1faa71285b49d133c2121238ca58934b077fdeb95934abd4',
};

/**
 * Downloads the source unless its folder exists. Returns the folder.
 *
 * @param file a local archive to use instead
 */
export function sqliteSource(file?: string): string {
  const folder = join(cache, 'sources', `sqlite3-${archive.version}`);
  if (existsSync(folder)) return folder;
  const work = `${folder}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    const packed = join(work, 'sqlite3.tar.xz');
    if (file === undefined) download(packed);
    else copyFileSync(file, packed);
    const found = createHash('sha256').update(readFileSync(packed)).digest('hex');
    if (found !== archive.sha256) {
      throw new Error(`${file ?? archive.path} has the sha256 ${found}, but ${archive.sha256} is pinned`);
    }
    const unpacked = join(work, 'unpacked');
    mkdirSync(unpacked);
    execFileSync('tar', ['xJf', packed, '-C', unpacked, '--strip-components=1']);
    renameSync(unpacked, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** Downloads the archive from the first configured apt mirror that has it. */
function download(target: string): void {
  const failures: string[] = [];
  for (const mirror of mirrors()) {
    const url = `${mirror.replace(/\/$/, '')}/${archive.path}`;
    console.error(`fetching ${url}`);
    try {
      execFileSync('/usr/lib/apt/apt-helper', ['download-file', url, target, `SHA256:${archive.sha256}`], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      return;
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(
    [
      `No mirror of apt has ${archive.path}. Give the file by --archive: it is Debian's source of sqlite3.`,
      ...failures,
    ].join('\n'),
  );
}

function mirrors(): string[] {
  try {
    const listed = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'ORIGIN: Debian'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return [...new Set(listed.split('\n').filter((line) => line !== ''))];
  } catch {
    return []; // apt is missing
  }
}
