/** The cache of transpiled components: when an entry is used, and when a component is transpiled again. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { entryName, readEntry, writeEntry } from '../../host/loader/cache-entry.js';
import { pack, unpack } from '../../host/loader/packed.js';
import { sharedFolder } from '../kit/folder.js';
import { guest } from '../kit/guests.js';

const folder = sharedFolder('cache');
const echo = readFileSync(guest('echo'));

interface Run {
  readonly component?: string;
  readonly variables?: Record<string, string>;
  /** JavaScript that runs after the component was loaded on `db`. */
  readonly then?: string;
}

/** The arguments of spawn() for a new process that loads a component and calls it, so that only the cache is shared. */
function loading(cache: string, { component = guest('echo'), variables = {}, then = '' }: Run) {
  const program = `import { DatabaseSync } from 'sqlite-wasm-run';
    const db = new DatabaseSync(':memory:', { allowExtension: true });
    db.loadExtension(${JSON.stringify(component)});
    process.stdout.write(String(db.prepare('SELECT inc(41) AS v').get().v));
    ${then}`;
  const options = {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, SQLITE_WASM_RUN_CACHE: cache, ...variables },
  };
  return [process.execPath, ['--input-type=module', '-e', program], options] as const;
}

/** What such a process writes: 42 if all goes well. */
function loaded(cache: string, run: Run = {}): string {
  const [program, args, options] = loading(cache, run);
  const { stdout, stderr } = spawnSync(program, args, { ...options, encoding: 'utf8' });
  return stdout + stderr;
}

/** A new cache folder whose only entry is that of a component. */
function filled(name: string, component = guest('echo')): { cache: string; entry: string } {
  const cache = join(folder, name);
  expect(loaded(cache, { component })).toBe('42');
  const [only = '', ...others] = readdirSync(cache);
  expect(others).toEqual([]);
  return { cache, entry: join(cache, only) };
}

/** echo.wasm with a custom section of `size` bytes at its end. */
function padded(size: number): Buffer {
  const section = Buffer.alloc(size, 1);
  const length = [(size & 0x7f) | 0x80, ((size >> 7) & 0x7f) | 0x80, size >> 14];
  section.set([0]); // a name of no characters
  return Buffer.concat([echo, Uint8Array.of(0, ...length), section]);
}

/** Two components with the same length and hash. */
function alike(): [Buffer, Buffer] {
  const one = padded(100_000);
  const [name, other] = [entryName(one), Buffer.from(one)];
  for (let at = other.length - 4; at > echo.length + 100; at -= 4) {
    other[at] = 2;
    if (entryName(other) === name) return [one, other];
    other[at] = 1;
  }
  throw new Error('the hash depends on every word');
}

const changedAt = (file: string): bigint => statSync(file, { bigint: true }).mtimeNs;

describe('an entry', () => {
  test('is private, and used again', () => {
    const { cache, entry } = filled('own');
    expect(statSync(cache).mode & 0o777).toBe(0o700);
    const made = changedAt(entry);
    expect(loaded(cache)).toBe('42');
    expect(changedAt(entry)).toBe(made);
  });

  test('is used without the modules of Node that take long to load', () => {
    const { cache } = filled('modules');
    const then = "process.stdout.write(' ' + process.moduleLoadList.join('\\n'));";
    const modules = loaded(cache, { then });
    expect(modules).toMatch(/^42 /);
    expect(modules).toMatch(/^NativeModule fs$/m);
    expect(modules).not.toMatch(/^NativeModule (?:crypto|internal\/crypto\/.*|child_process|zlib)$/m);
  });

  let undamaged: string | undefined;
  const damages: [what: string, damage: (entry: Buffer) => Uint8Array][] = [
    ['the first script', (entry) => replaced(entry, entry.indexOf("'use strict'"))],
    ['the second script', (entry) => replaced(entry, entry.lastIndexOf("'use strict'"))],
    ['the first line', (entry) => replaced(entry, 0)],
    ['the component', (entry) => replaced(entry, entry.length - 100)],
    ['a single bit', (entry) => entry.fill((entry[5000] ?? 0) ^ 1, 5000, 5001)],
    ['the end is missing', (entry) => entry.subarray(0, entry.length - 2)],
    ['half of it is missing', (entry) => entry.subarray(0, entry.length / 2)],
    ['only the component is left', (entry) => entry.subarray(entry.length - echo.length)],
    ['it is empty', () => new Uint8Array()],
    ['it consists of zeros', (entry) => new Uint8Array(entry.length)],
    ['it is longer', (entry) => Buffer.concat([entry, new Uint8Array(2)])],
  ];
  function replaced(entry: Buffer, at: number): Buffer {
    entry.write("process.stdout.write('run');", at);
    return entry;
  }

  test.each(damages)('is never run, and made again, if it is damaged: %s', (what, damage) => {
    undamaged ??= filled('undamaged').entry;
    const complete = readFileSync(undamaged);
    const damaged = damage(Buffer.from(complete));
    expect(complete.equals(damaged)).toBe(false);
    const cache = join(folder, `damaged-${what.replaceAll(' ', '-')}`);
    mkdirSync(cache, { mode: 0o700 });
    writeFileSync(join(cache, basename(undamaged)), damaged);
    // Without its component, an entry may be that of another component. The new one is placed beside it.
    expect(loaded(cache)).toBe('42');
    const all = readdirSync(cache).map((name) => readFileSync(join(cache, name)));
    expect(all.some((found) => found.equals(complete))).toBe(true);
    expect(all.length).toBeLessThanOrEqual(2);
    expect(loaded(cache)).toBe('42');
    expect(readdirSync(cache)).toHaveLength(all.length);
  });

  test('is not used for another component with the same length and hash', () => {
    const [one, other] = alike();
    const [first, second] = [join(folder, 'one.wasm'), join(folder, 'other.wasm')];
    writeFileSync(first, one);
    writeFileSync(second, other);
    const { cache, entry } = filled('alike', first);
    expect(readEntry(entry, other)).toBe('other');
    const made = changedAt(entry);
    expect(loaded(cache, { component: second })).toBe('42');
    const entries = readdirSync(cache).map((name) => join(cache, name));
    expect(entries).toHaveLength(2);
    expect(changedAt(entry)).toBe(made);
    const times = entries.map(changedAt);
    expect(loaded(cache, { component: first })).toBe('42');
    expect(loaded(cache, { component: second })).toBe('42');
    expect(entries.map(changedAt)).toEqual(times);
  });

  test('is replaced if there is no place for another component with the same length and hash', () => {
    const { cache, entry } = filled('full');
    const other = Buffer.from(echo);
    other[echo.length - 1] = 0;
    for (let place = 0; place < 9; place++) {
      writeEntry(entry.replace(/\d$/, String(place)), Buffer.from('{"files":[]}\n'), other);
    }
    expect(loaded(cache)).toBe('42');
    expect(loaded(cache)).toBe('42');
    expect(Buffer.isBuffer(readEntry(entry, echo))).toBe(true);
  });

  test('is complete, even if several processes make it at the same time', async () => {
    const cache = join(folder, 'busy');
    const outputs = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const child = spawn(...loading(cache, {}));
        let output = '';
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
        await once(child, 'close');
        return output;
      }),
    );
    expect(outputs).toEqual(['42', '42', '42', '42']);
    const entries = readdirSync(cache);
    expect(entries).toHaveLength(1);
    expect(Buffer.isBuffer(readEntry(join(cache, entries[0] ?? ''), echo))).toBe(true);
  });
});

describe('the folder', () => {
  test('keeps its mode if it exists, and contains a private folder if others may write to it', () => {
    const shared = join(folder, 'shared');
    mkdirSync(shared);
    for (const mode of [0o1777, 0o775, 0o755]) {
      chmodSync(shared, mode);
      expect(loaded(shared)).toBe('42');
      expect(statSync(shared).mode & 0o7777).toBe(mode);
    }
    const within = join(shared, `sqlite-wasm-run-${process.getuid?.()}`);
    expect(statSync(within).mode & 0o777).toBe(0o700);
    expect(readdirSync(within)).toHaveLength(1);
    expect(readdirSync(shared)).toHaveLength(2); // used itself, because no other user can write to it

    rmSync(within, { recursive: true });
    chmodSync(shared, 0o1777);
    symlinkSync(folder, within);
    expect(loaded(shared)).toContain(`other users can write to the cache folder ${within}: set SQLITE_WASM`);
  });

  test('is filled without a file in the temporary folder', () => {
    const temporary = join(folder, 'temporary');
    mkdirSync(temporary);
    chmodSync(temporary, 0o500);
    const watcher = watch(temporary);
    const seen: unknown[] = [];
    watcher.on('change', (...event) => seen.push(event));
    expect(loaded(join(folder, 'third'), { variables: { TMPDIR: temporary } })).toBe('42');
    watcher.close();
    expect(seen).toEqual([]);
  });
});

describe('the name of an entry', () => {
  test('depends on the words, their order and the length, not on the alignment', () => {
    const names = [
      Uint8Array.of(),
      Uint8Array.of(1),
      Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      Uint8Array.of(5, 6, 7, 8, 1, 2, 3, 4),
      Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9),
      padded(200_000),
      padded(200_001),
    ].map((bytes) => {
      const shifted = Buffer.concat([Uint8Array.of(7), bytes]).subarray(1);
      expect(entryName(Uint8Array.from(shifted))).toBe(entryName(shifted));
      return entryName(bytes);
    });
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[\d.-]+-\d+-[\da-f]{16}$/);
  });
});

describe('packed files', () => {
  test('are read as they were, and contain no module that the component contains', () => {
    const component = Uint8Array.from({ length: 3000 }, (_, i) => (i * i) % 251);
    const files = new Map<string, Uint8Array>([
      ['glue.js', Buffer.from('return "\n\u{1f600}";\n')],
      ['glue.core.wasm', component.slice(100, 2500)],
      ['glue.core2.wasm', Uint8Array.of(250, 250, 250, 10, 0)],
      ['glue.core3.wasm', component.slice(2900)],
    ]);
    const transpiled = { imports: ['a:b/c@1.0.0'], exports: ['a:b/d@1.0.0', 'e'], files };
    const packed = Buffer.from(pack(transpiled, component));
    expect(packed.length).toBeLessThan(300);
    const read = unpack(packed, component);
    expect({ imports: read.imports, exports: read.exports }).toEqual({
      imports: transpiled.imports,
      exports: transpiled.exports,
    });
    expect([...read.files.keys()]).toEqual([...files.keys()]);
    for (const [name, content] of files) expect([...(read.files.get(name) ?? [])]).toEqual([...content]);
  });
});
