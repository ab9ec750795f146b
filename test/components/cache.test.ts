/** The cache of transpiled components and their compiled code: when it is used, and when it is made again. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { pack, unpack } from '../../host/loader/packed.js';
import { transpile } from '../../host/loader/transpile.js';
import { hashOf, readEntry, writeEntry } from '../../host/node/cache-entry.js';
import { cacheFolder } from '../../host/node/cache-folder.js';
import { root } from '../../scripts/sources.js';
import { sharedFolder } from '../kit/folder.js';
import { guest } from '../kit/guests.js';

const folder = sharedFolder('cache');
const echo = readFileSync(guest('echo'));

interface Run {
  readonly component?: string;
  readonly variables?: Record<string, string>;
  /** Options of Node. */
  readonly flags?: string[];
  /** The SQL that calls it. */
  readonly call?: string;
  /** JavaScript that runs after the component was loaded on `db`. */
  readonly then?: string;
}

/** The arguments of spawn() for a new process that loads a component and calls it, so that only the cache is shared. */
function loading(
  cache: string,
  { component = guest('echo'), call = 'inc(41)', variables = {}, flags = [], then = '' }: Run,
) {
  const program = `import { DatabaseSync } from 'sqlite-wasm-run';
    const db = new DatabaseSync(':memory:', { allowExtension: true });
    db.loadExtension(${JSON.stringify(component)});
    process.stdout.write(String(db.prepare(${JSON.stringify(`SELECT ${call} AS v`)}).get().v));
    ${then}`;
  const options = {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, SQLITE_WASM_RUN_CACHE: cache, ...variables },
  };
  return [process.execPath, [...flags, '--input-type=module', '-e', program], options] as const;
}

/** What such a process writes: 42 if all goes well. */
function loaded(cache: string, run: Run = {}): string {
  const [program, args, options] = loading(cache, run);
  const { stdout, stderr } = spawnSync(program, args, { ...options, encoding: 'utf8' });
  return stdout + stderr;
}

/** The entries of transpiled components in a cache folder. */
const entriesIn = (cache: string): string[] => readdirSync(cache).filter((name) => name !== 'compiled');
/** The entries of code that V8 compiled. */
const codeIn = (cache: string): string[] => {
  const within = join(cache, 'compiled');
  return existsSync(within) ? readdirSync(within).map((name) => join(within, name)) : [];
};

/** Whether an entry is that of the host's code for all components, and not of one component. */
const isHosts = (file: string): boolean => /-all-\w+\.cjs-/.test(file);

/** A new cache folder whose only entry is that of a component. */
function filled(name: string, component = guest('echo')): { cache: string; entry: string } {
  const cache = join(folder, name);
  expect(loaded(cache, { component })).toBe('42');
  const [only = '', ...others] = entriesIn(cache);
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
  const [name, other] = [hashOf(one), Buffer.from(one)];
  for (let at = other.length - 4; at > echo.length + 100; at -= 4) {
    other[at] = 2;
    if (hashOf(other) === name) return [one, other];
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
    const all = entriesIn(cache).map((name) => readFileSync(join(cache, name)));
    expect(all.some((found) => found.equals(complete))).toBe(true);
    expect(all.length).toBeLessThanOrEqual(2);
    expect(loaded(cache)).toBe('42');
    expect(entriesIn(cache)).toHaveLength(all.length);
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
    const entries = entriesIn(cache).map((name) => join(cache, name));
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
    for (let place = 0; place < 4; place++) {
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
    const entries = entriesIn(cache);
    expect(entries).toHaveLength(1);
    expect(Buffer.isBuffer(readEntry(join(cache, entries[0] ?? ''), echo))).toBe(true);
  });

  test('is not needed by the process that made it, if another replaces it immediately', () => {
    const cache = join(folder, 'replaced');
    const replacing = `import { createRequire } from 'node:module';
      import { readdirSync, writeFileSync } from 'node:fs';
      const processes = createRequire('/')('node:child_process');
      const { spawnSync } = processes;
      processes.spawnSync = (...given) => {
        const result = spawnSync(...given);
        const cache = process.env.SQLITE_WASM_RUN_CACHE;
        for (const entry of readdirSync(cache)) writeFileSync(cache + '/' + entry, 'replaced');
        return result;
      };`;
    const flags = ['--import', `data:text/javascript,${encodeURIComponent(replacing)}`];
    expect(loaded(cache, { flags })).toBe('42');
    expect(entriesIn(cache).map((name) => readFileSync(join(cache, name), 'utf8'))).toEqual(['replaced']);
    expect(loaded(cache)).toBe('42');
  });
});

describe('the code that V8 compiled', () => {
  /** What V8 compiles from a text, in a process with the same options as those that load components. */
  function codeOf(text: string): Buffer {
    const program = `import { readFileSync } from 'node:fs';
      import { Script } from 'node:vm';
      process.stdout.write(new Script(readFileSync(0, 'utf8')).createCachedData());`;
    return spawnSync(process.execPath, ['--input-type=module', '-e', program], { input: text }).stdout;
  }
  /** The glue of the only entry of a cache, and the file with its code. */
  function only(cache: string): { glue: Buffer; file: string } {
    const made = readEntry(join(cache, entriesIn(cache)[0] ?? ''), echo);
    if (!Buffer.isBuffer(made)) throw new Error('there is no entry');
    const [file = '', ...others] = codeIn(cache).filter((name) => !isHosts(name));
    expect(others).toEqual([]);
    return { glue: Buffer.from(unpack(made, echo).files.get('glue.js') ?? []), file };
  }

  test('is kept, private, and used again', () => {
    const { cache } = filled('code');
    const { glue, file } = only(cache);
    expect(statSync(join(cache, 'compiled')).mode & 0o777).toBe(0o700);
    expect(Buffer.isBuffer(readEntry(file, glue))).toBe(true);
    const made = changedAt(file);
    expect(loaded(cache)).toBe('42');
    expect(changedAt(file)).toBe(made);
    // V8 only compares the lengths of the texts, so it uses this code.
    const other = glue.toString().replace("'use strict';", "throw 'other'");
    expect(other).toHaveLength(glue.length);
    writeEntry(file, codeOf(other), glue);
    expect(loaded(cache)).toContain('other');
    // It is not used if the entry is that of another text.
    writeEntry(file, codeOf(other), Buffer.from(other));
    expect(loaded(cache)).toBe('42');
    expect(Buffer.isBuffer(readEntry(file, glue))).toBe(true);
  });

  test('is replaced if it is damaged or was compiled with other options of V8', () => {
    const { cache } = filled('bad-code');
    const { glue, file } = only(cache);
    const code = readFileSync(file);
    for (const at of [0, 1000, code.length - glue.length - 1000]) {
      writeFileSync(file, Buffer.from(code).fill((code[at] ?? 0) ^ 1, at, at + 1));
      expect(readEntry(file, glue)).toBeUndefined();
      expect(loaded(cache)).toBe('42');
      expect(Buffer.isBuffer(readEntry(file, glue))).toBe(true);
    }
    const made = changedAt(file);
    expect(loaded(cache, { flags: ['--no-lazy'] })).toBe('42');
    const replaced = changedAt(file);
    expect(replaced).toBeGreaterThan(made);
    expect(loaded(cache, { flags: ['--no-lazy'] })).toBe('42');
    expect(changedAt(file)).toBe(replaced);
  });

  test('is kept for included components, too, if there is a folder for it', () => {
    const cache = join(folder, 'included');
    const run = { component: 'session', call: "session_create('main') > 0" };
    expect(loaded(cache, run)).toBe('1');
    expect(codeIn(cache).map(isHosts).sort()).toEqual([false, true]);
    expect(entriesIn(cache)).toEqual([]);
    expect(loaded(cache, run)).toBe('1');
    const none = join(folder, 'a-file');
    writeFileSync(none, '');
    expect(loaded(join(none, 'cache'), run)).toBe('1');
  });

  test('is kept for the host, and again if another component was loaded', () => {
    const { cache } = filled('hosts');
    const [file = '', ...others] = codeIn(cache).filter(isHosts);
    expect(others).toEqual([]);
    const built = join(root, 'dist/components');
    const script = readdirSync(built).filter((name) => name.endsWith('.cjs'));
    expect(script).toHaveLength(1);
    const source = readFileSync(join(built, script[0] ?? ''));
    const code = (): Buffer => {
      const made = readEntry(file, source);
      if (!Buffer.isBuffer(made)) throw new Error('there is no code');
      return made;
    };
    const first = code().length;
    const made = changedAt(file);
    expect(loaded(cache)).toBe('42');
    expect(changedAt(file)).toBe(made);
    expect(loaded(cache, { component: 'session', call: "session_create('main') > 0" })).toBe('1');
    expect(code().length).toBeGreaterThan(first); // with the functions that `session` uses
    // V8 only compares the lengths of the texts, so it uses this code.
    const other = source.toString().replace('"use strict";', "throw 'othr';");
    writeEntry(file, codeOf(other), source);
    expect(loaded(cache)).toContain('othr');
    const damaged = readFileSync(file);
    damaged[1000] = (damaged[1000] ?? 0) ^ 1;
    writeFileSync(file, damaged);
    expect(loaded(cache)).toBe('42');
    expect(code().length).toBeGreaterThan(0);
    writeEntry(file, codeOf(other), Buffer.from(other));
    expect(loaded(cache)).toBe('42');
  });

  test('is kept for the host if only its interfaces are used', () => {
    const cache = join(folder, 'interfaces');
    const program = `import { DatabaseSync, hostInterfaces } from 'sqlite-wasm-run';
      hostInterfaces(new DatabaseSync(':memory:'));`;
    const [node, , options] = loading(cache, {});
    spawnSync(node, ['--input-type=module', '-e', program], options);
    expect(codeIn(cache).map(isHosts)).toEqual([true]);
  });

  test('is not kept if the cache of code is disabled', () => {
    const cache = join(folder, 'disabled');
    expect(loaded(cache, { variables: { NODE_DISABLE_COMPILE_CACHE: '1' } })).toBe('42');
    expect(entriesIn(cache)).toHaveLength(1);
    expect(codeIn(cache)).toEqual([]);
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
    expect(entriesIn(within)).toHaveLength(1);
    expect(entriesIn(shared)).toHaveLength(2); // used itself, because no other user can write to it

    rmSync(within, { recursive: true });
    chmodSync(shared, 0o1777);
    symlinkSync(folder, within);
    expect(loaded(shared, { component: guest('core') })).toContain('core.wasm is a core module');
    expect(loaded(shared, { component: guest('sql') })).toContain('allow it with --allow-sql');
    expect(loaded(shared)).toContain(`other users can write to the cache folder ${within}: set SQLITE_WASM`);
  });

  test.runIf(process.platform === 'linux')('cannot be made in /proc, and the error says what to do', () => {
    expect(loaded('/proc/self/none/cache')).toContain(
      "cannot create the cache folder /proc/self/none/cache (ENOENT: no such file or directory, mkdir '/proc/self/none'): set",
    );
    const session = { component: 'session', call: "session_create('main') > 0" };
    expect(loaded('/proc/self/none/cache', session)).toBe('1');
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

describe('the hash in the name of an entry', () => {
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
      expect(hashOf(Uint8Array.from(shifted))).toBe(hashOf(shifted));
      return hashOf(bytes);
    });
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^\d+-[\da-f]{16}$/);
  });
});

test('a script has the form that V8 compiles and instantiates in the least time', async () => {
  const { files } = await transpile(readFileSync(guest('sql')));
  const script = Buffer.from(files.get('glue.js') ?? []).toString();
  expect(script).toMatch(/^\(function glue\(globalThis, WebAssembly\) \{\n'use strict';\n/);
  expect(script).toMatch(/^return \(function instantiate\(/m);
  expect(script).toMatch(/\}\);\n\}\)$/);
  expect(script).toContain(' _bound(_lowerImportBackwardsCompat,');
  expect(script).not.toContain('_lowerImportBackwardsCompat.bind(');
});

test('direct calls that call the host keep no memory', () => {
  const then = `const { h } = db.prepare("SELECT session_create('main') AS h").get();
    const all = db.prepare(\`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4000)
      SELECT count(session_isempty(\${h})) FROM n\`);
    const used = () => (all.get(), gc(), process.memoryUsage().heapUsed);
    const before = (used(), used());
    process.stdout.write(' ' + (used() - before));`;
  const run = { component: 'session', call: '42', flags: ['--expose-gc'], then };
  const output = loaded(join(folder, 'calls'), run);
  expect(output).toMatch(/^42 -?\d+$/);
  expect(Number(output.slice(3)) / 4000).toBeLessThan(200); // bytes per call
});

describe('the cache folder', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test.each([
    ['/own', '/users', '/own'],
    ['own', '/users', 'own'],
    ['', '/users', join('/users', 'sqlite-wasm-run')],
    ['', '', join(homedir(), '.cache', 'sqlite-wasm-run')],
    ['', 'relative', join(homedir(), '.cache', 'sqlite-wasm-run')],
  ])('with SQLITE_WASM_RUN_CACHE=%s and XDG_CACHE_HOME=%s', (own, users, wanted) => {
    vi.stubEnv('SQLITE_WASM_RUN_CACHE', own);
    vi.stubEnv('XDG_CACHE_HOME', users);
    expect(cacheFolder()).toBe(wanted);
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
    const transpiled = { imports: ['a:b/c@1.0.0'], exports: ['a:b/d@1.0.0', 'e'], composed: true, files };
    const packed = Buffer.from(pack(transpiled, component));
    expect(packed.length).toBeLessThan(300);
    const read = unpack(packed, component);
    expect({ ...read, files: [] }).toEqual({ ...transpiled, files: [] });
    expect([...read.files.keys()]).toEqual([...files.keys()]);
    for (const [name, content] of files) expect([...(read.files.get(name) ?? [])]).toEqual([...content]);
  });
});
