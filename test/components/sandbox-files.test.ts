/** wasi:filesystem within a granted folder, and attempts to leave the folder. */

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testFolder } from '../kit/folder.js';
import { wasiFiles } from '../kit/internals.js';
import { race } from '../kit/sandbox-race.js';

type Files = ReturnType<typeof wasiFiles>;
// biome-ignore lint/suspicious/noExplicitAny: jco calls descriptors without types
type Base = any;

let folder: string;
let files: Files;
let base: Base;
beforeEach(() => {
  folder = testFolder('sandbox-files');
  mkdirSync(join(folder, 'in/sub'), { recursive: true });
  writeFileSync(join(folder, 'secret'), 'SECRET');
  writeFileSync(join(folder, 'in/a'), 'text of a');
  ({ files, base } = open(false));
});
afterEach(() => {
  files.close();
});

function open(readOnly: boolean): { files: Files; base: Base } {
  const made = wasiFiles([{ path: '/', host: join(folder, 'in'), readOnly }], (stream) => stream);
  return { files: made, base: (made.preopens as Base).getDirectories()[0][0] };
}

const follow = { symlinkFollow: true };
const failure = (action: () => unknown): unknown => {
  try {
    action();
  } catch (error) {
    return error;
  }
  return 'nothing was thrown';
};
const read = (path: string, how: object = follow): string => {
  const file = base.openAt(how, path, {}, { read: true });
  const [bytes] = file.read(100n, 0n);
  file[Symbol.dispose]();
  return new TextDecoder().decode(bytes);
};

describe('paths', () => {
  test('stay beneath the folder', () => {
    symlinkSync('../secret', join(folder, 'in/out'));
    symlinkSync('..', join(folder, 'in/up'));
    symlinkSync('/etc', join(folder, 'in/root'));
    symlinkSync('sub/../../secret', join(folder, 'in/through'));
    symlinkSync('loop', join(folder, 'in/loop'));
    for (const path of [
      '../secret',
      '/etc/passwd',
      'sub/../../secret',
      'out',
      'up/secret',
      'root/passwd',
      'through',
      'up/in/a',
    ]) {
      expect([path, failure(() => read(path))]).toEqual([path, 'not-permitted']);
    }
    expect(failure(() => read('loop'))).toBe('loop');
    expect(failure(() => read('out', {}))).toBe('loop');
    expect(failure(() => read('a/b'))).toBe('not-directory');
    expect(failure(() => read('a\0b'))).toBe('invalid');
    expect(failure(() => read(''))).toBe('no-entry');
  });
  test('follow links within it', () => {
    symlinkSync('../a', join(folder, 'in/sub/b'));
    symlinkSync('sub', join(folder, 'in/folder'));
    expect(read('sub/b')).toBe('text of a');
    expect(read('folder/b')).toBe('text of a');
    expect(read('./folder/../a')).toBe('text of a');
    const sub = base.openAt(follow, 'folder', { directory: true }, { read: true });
    expect(sub.getType()).toBe('directory');
    expect(failure(() => sub.openAt(follow, '../a', {}, { read: true }))).toBe('not-permitted');
  });
});

describe('calls', () => {
  test('files are created, written, truncated, read, renamed, linked and deleted, and their times are set', () => {
    const file = base.openAt(
      follow,
      'sub/new',
      { create: true, exclusive: true },
      { read: true, write: true },
    );
    expect(file.write(new TextEncoder().encode('hello world'), 0n)).toBe(11n);
    file.setSize(5n);
    file.setTimes(
      { tag: 'timestamp', val: { seconds: 10n, nanoseconds: 0 } },
      { tag: 'timestamp', val: { seconds: 20n, nanoseconds: 500_000_000 } },
    );
    expect(file.stat()).toMatchObject({
      type: 'regular-file',
      size: 5n,
      dataAccessTimestamp: { seconds: 10n },
      dataModificationTimestamp: { seconds: 20n, nanoseconds: 500_000_000 },
    });
    file.sync();
    file.syncData();
    expect(
      failure(() => base.openAt(follow, 'sub/new', { create: true, exclusive: true }, { write: true })),
    ).toBe('exist');
    base.linkAt({}, 'sub/new', base, 'linked');
    base.renameAt('sub/new', base, 'moved');
    expect(base.openAt({}, 'linked', {}, {}).isSameObject(base.openAt({}, 'moved', {}, {}))).toBe(true);
    base.symlinkAt('moved', 'symbolic');
    expect(base.readlinkAt('symbolic')).toBe('moved');
    expect(base.statAt({}, 'symbolic').type).toBe('symbolic-link');
    expect(base.statAt(follow, 'symbolic').size).toBe(5n);
    expect(failure(() => base.symlinkAt('/etc', 'absolute'))).toBe('not-permitted');
    base.unlinkFileAt('linked');
    expect(readFileSync(join(folder, 'in/moved'), 'utf8')).toBe('hello');
    expect(failure(() => base.unlinkFileAt('sub'))).toMatch(/^(?:is-directory|not-permitted)$/);
    file[Symbol.dispose]();
    expect(failure(() => file.stat())).toBe('bad-descriptor');
  });
  test('folders, even the granted one, are listed; others are created and removed', () => {
    base.createDirectoryAt('made/');
    const list = base.readDirectory();
    const names: string[] = [];
    for (let entry = list.readDirectoryEntry(); entry; entry = list.readDirectoryEntry())
      names.push(`${entry.name} ${entry.type}`);
    expect(names.sort()).toEqual(['a regular-file', 'made directory', 'sub directory']);
    base.removeDirectoryAt('made');
    expect(failure(() => base.removeDirectoryAt('made'))).toBe('no-entry');
    expect(base.stat().type).toBe('directory');
    expect(failure(() => base.read(1n, 0n))).toBe('is-directory');
  });
  test('a read-only folder is not changed', () => {
    files.close();
    ({ files, base } = open(true));
    expect(read('a')).toBe('text of a');
    const time = { tag: 'now' };
    for (const change of [
      () => base.openAt(follow, 'new', { create: true }, { write: true }),
      () => base.openAt(follow, 'a', { truncate: true }, { read: true }),
      () => base.openAt(follow, 'a', {}, { write: true }),
      () => base.createDirectoryAt('x'),
      () => base.removeDirectoryAt('sub'),
      () => base.unlinkFileAt('a'),
      () => base.renameAt('a', base, 'b'),
      () => base.linkAt({}, 'a', base, 'b'),
      () => base.symlinkAt('a', 'b'),
      () => base.setTimesAt({}, 'a', time, time),
      () => base.openAt(follow, 'a', {}, { read: true }).setSize(0n),
      () => base.openAt(follow, 'a', {}, { read: true }).write(new Uint8Array(1), 0n),
      () => base.openAt(follow, 'a', {}, { read: true }).writeViaStream(0n),
    ]) {
      expect(failure(change)).toBe('read-only');
    }
    expect(readFileSync(join(folder, 'in/a'), 'utf8')).toBe('text of a');
  });
  test.skipIf(process.platform === 'win32')('a pipe that no process opens does not block', () => {
    execFileSync('mkfifo', [join(folder, 'in/pipe')]);
    expect(base.openAt(follow, 'pipe', {}, { read: true }).getType()).toBe('fifo');
    expect(failure(() => base.openAt(follow, 'pipe', {}, { write: true }))).not.toBe('io');
  });
});

test.skipIf(!existsSync('/proc/self/fd'))(
  'nothing outside is reached while another process exchanges links and folders',
  async () => {
    rmSync(join(folder, 'in'), { recursive: true });
    const { done, outside } = await race(folder, 4000);
    expect(outside).toEqual([]);
    expect(done).toBeGreaterThan(100);
  },
);

test('a component can have at most 256 open files and listings', () => {
  const opened: Base[] = [];
  while (opened.length < 1000) {
    const made = failure(() =>
      opened.push(
        opened.length % 2 === 0 ? base.openAt(follow, 'a', {}, { read: true }) : base.readDirectory(),
      ),
    );
    if (made !== 'nothing was thrown') {
      expect(made).toBe('insufficient-memory');
      break;
    }
  }
  expect(opened.length).toBe(255); // and the folder itself
  opened.pop()[Symbol.dispose]();
  expect(read('a')).toBe('text of a');
  files.close();
  const listed = (): number => readdirSync('/proc/self/fd').length;
  if (existsSync('/proc/self/fd')) {
    const before = listed();
    ({ files, base } = open(false));
    for (let i = 0; i < 100; i++) base.readDirectory();
    files.close();
    expect(listed()).toBe(before);
  }
});
