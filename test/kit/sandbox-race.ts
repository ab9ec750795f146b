/** Two processes race in a granted folder: one changes its content, the other opens paths in it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wasiFiles } from './internals.js';

/** Exchanges a folder and a symbolic link that leads out, in an infinite loop. */
const racer = `
const { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } = require('node:fs');
process.chdir(process.argv[1]);
for (const [name, target] of [['link', '../out'], ['file-link', '../out/secret']]) { rmSync(name, { force: true }); symlinkSync(target, name); }
mkdirSync('folder', { recursive: true });
writeFileSync('folder/secret', 'inside');
writeFileSync('plain', 'inside');
process.send?.('ready');
for (;;) {
  for (const [a, b, race] of [['link', 'folder', 'race'], ['file-link', 'plain', 'race-file']]) {
    try { renameSync(a, race); renameSync(race, a); renameSync(b, race); renameSync(race, b); } catch {}
  }
}`;

export interface Race {
  /** The number of successful calls. */
  done: number;
  /** Data that was read or written outside. */
  outside: string[];
}

/** Races for some time in \`folder\`, which is empty. */
export async function race(folder: string, milliseconds: number): Promise<Race> {
  const [granted, out] = [join(folder, 'granted'), join(folder, 'out')];
  mkdirSync(granted);
  mkdirSync(out);
  writeFileSync(join(out, 'secret'), 'SECRET');
  const child: ChildProcess = spawn(process.execPath, ['-e', racer, granted], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await new Promise((resolve) => child.once('message', resolve));
  const files = wasiFiles([{ path: '/', host: granted, readOnly: false }], (stream) => stream);
  const [base] = (files.preopens as { getDirectories(): [Base, string][] }).getDirectories()[0] ?? [];
  if (!base) throw new Error('no folder was granted');
  const found: Race = { done: 0, outside: [] };
  const follow = { symlinkFollow: true };
  const attempt = (what: string, action: () => string | undefined): void => {
    try {
      const came = action();
      found.done += 1;
      if (came !== undefined) found.outside.push(`${what}: ${came}`);
    } catch (error) {
      if (typeof error !== 'string') throw error;
    }
  };
  const read = (path: string): string | undefined => {
    using file = base.openAt(follow, path, {}, { read: true });
    const text = new TextDecoder().decode(file.read(100n, 0n)[0]);
    return text.includes('SECRET') ? text : undefined;
  };
  const write = (path: string): undefined => {
    using file = base.openAt(follow, path, { create: true }, { write: true });
    file.write(new TextEncoder().encode('mine'), 0n);
  };
  const changes: [string, () => void][] = [
    ['mkdir', () => base.createDirectoryAt('race/made')],
    ['rmdir', () => base.removeDirectoryAt('race/made')],
    ['symlink', () => base.symlinkAt('x', 'race/symlink')],
    ['unlink', () => base.unlinkFileAt('race/symlink')],
    ['link', () => base.linkAt({}, 'plain', base, 'race/linked')],
    ['unlink linked', () => base.unlinkFileAt('race/linked')],
    ['rename', () => base.renameAt('race/new', base, 'race/renamed')],
    ['unlink renamed', () => base.unlinkFileAt('race/renamed')],
    [
      'times',
      () =>
        base.setTimesAt(
          follow,
          'race/secret',
          { tag: 'timestamp', val: { seconds: 1n, nanoseconds: 0 } },
          { tag: 'now' },
        ),
    ],
  ];
  const before = outsideOf(out);
  const end = Date.now() + milliseconds;
  try {
    while (Date.now() < end && found.outside.length === 0) {
      for (let i = 0; i < 50; i++) {
        attempt('read', () => read('race/secret'));
        attempt('read a file', () => read('race-file'));
        attempt('write', () => write('race/new'));
        attempt('stat', () => {
          return base.statAt(follow, 'race/secret').size === 6n && readSize(out) !== 6 ? 'size' : undefined;
        });
        for (const [what, change] of changes) {
          attempt(what, () => {
            change();
            return undefined;
          });
        }
      }
      const now = outsideOf(out);
      if (now !== before) found.outside.push(`outside there is ${now}, and was ${before}`);
    }
  } finally {
    files.close();
    child.kill('SIGKILL');
  }
  return found;
}

const readSize = (out: string): number => readFileSync(join(out, 'secret')).length;
const outsideOf = (out: string): string =>
  readdirSync(out)
    .map((name) => `${name}=${readFileSync(join(out, name), 'utf8')}`)
    .join();

interface Opened extends Disposable {
  read(length: bigint, offset: bigint): [Uint8Array, boolean];
  write(bytes: Uint8Array, offset: bigint): bigint;
}
interface Base {
  openAt(follow: object, path: string, open: object, flags: object): Opened;
  statAt(follow: object, path: string): { size: bigint };
  createDirectoryAt(path: string): void;
  removeDirectoryAt(path: string): void;
  symlinkAt(content: string, path: string): void;
  unlinkFileAt(path: string): void;
  linkAt(follow: object, path: string, target: Base, to: string): void;
  renameAt(path: string, target: Base, to: string): void;
  setTimesAt(follow: object, path: string, access: object, modification: object): void;
}
