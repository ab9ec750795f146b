/** The host's interfaces, linked into a component with its own world. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { DatabaseSync } from 'sqlite-wasm-run';
import { hostImports, hostInterfaces } from 'sqlite-wasm-run/host';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { contract } from '../../host/interfaces/contract.js';
import { dist } from '../../scripts/sources.js';

const guest = (name: string): Uint8Array =>
  readFileSync(fileURLToPath(new URL(`../guests/${name}.wasm`, import.meta.url)));

interface Glue<Exports> {
  instantiate(getCoreModule: (name: string) => WebAssembly.Module, imports: Record<string, object>): Exports;
}
interface Capture {
  start(): bigint;
  finish(handle: bigint): Uint8Array;
}
interface Command {
  run: { run(): void };
}

type Bindings = 'js' | 'hybrid';

/** The result of `jco transpile --instantiation sync` for a guest, with its core modules. */
async function instantiable<Exports>(
  name: string,
  importBindings: Bindings = 'js',
): Promise<(imports: Record<string, object>) => Exports> {
  const { files } = await transpileBytes(guest(name), { name, instantiation: 'sync', importBindings });
  const glue = Buffer.from(files[`${name}.js`] ?? '').toString('base64');
  const { instantiate } = (await import(`data:text/javascript;base64,${glue}`)) as Glue<Exports>;
  return (imports) =>
    instantiate((file) => new WebAssembly.Module(Uint8Array.from(files[file] ?? [])), imports);
}

let db: DatabaseSync;

beforeEach(() => {
  db = new DatabaseSync(':memory:');
});
afterEach(() => {
  if (db.isOpen) db.close();
});

/** Creates the data for the command. */
function withItems(): void {
  db.exec('CREATE TABLE item(id INTEGER PRIMARY KEY, price); CREATE TABLE outbox(changes)');
  db.exec('INSERT INTO item VALUES (1, 2.5)');
}

const row = (sql: string): unknown[] => Object.values(db.prepare(sql).get() ?? {});

describe.each(['js', 'hybrid'] as const)('jco with %s bindings', (bindings) => {
  test('a component that captures', async () => {
    const instantiate = await instantiable<{ capture: Capture }>('stranger', bindings);
    db.exec('CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, age INT)');
    const { capture } = instantiate(hostImports(db));
    const handle = capture.start();
    expect(handle > 0n).toBe(true);
    db.exec("INSERT INTO users VALUES (3, 'carol', 75)");
    expect(Buffer.from(capture.finish(handle)).toString('hex').toUpperCase()).toBe(
      '5403010000757365727300120001000000000000000303056361726F6C01000000000000004B',
    );
  });

  test('a command that runs SQL and captures its changes', async () => {
    const instantiate = await instantiable<Command>('command', bindings);
    withItems();
    instantiate(hostImports(db, { interfaces: ['session', 'spi'], grants: { sql: 'rw' } })).run.run();
    expect(row('SELECT id, price FROM item')).toEqual([1, 5]);
    expect(row('SELECT hex(changes) FROM outbox')).toEqual([
      expect.stringMatching(/^540201006974656D00170001/),
    ]);
  });

  test.each([[{}], [{ sql: 'ro' as const }]])('its SQL needs a grant: %j', async (grants) => {
    const instantiate = await instantiable<Command>('command', bindings);
    withItems();
    expect(() => instantiate(hostImports(db, { grants })).run.run()).toThrow();
    expect(row('SELECT price FROM item')).toEqual([2.5]);
    expect(row('SELECT count(*) FROM outbox')).toEqual([0]);
  });
});

describe('a module of jco transpile --map, which imports the interfaces', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'embedding-'));
    mkdirSync(join(folder, 'node_modules/sqlite-wasm-run'), { recursive: true });
    symlinkSync(dist, join(folder, 'node_modules/sqlite-wasm-run/dist'));
    const exported = { '.': './dist/index.js', './host': './dist/host.js' };
    writeFileSync(
      join(folder, 'node_modules/sqlite-wasm-run/package.json'),
      JSON.stringify({ name: 'sqlite-wasm-run', type: 'module', exports: exported }),
    );
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('linked by name', async () => {
    const { files } = await transpileBytes(guest('command'), {
      name: 'command',
      map: { 'sqlite:extension/*': './database.js#*' },
    });
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    writeFileSync(
      join(folder, 'database.js'),
      `import { DatabaseSync } from 'sqlite-wasm-run';
       import { hostInterfaces } from 'sqlite-wasm-run/host';
       export const db = new DatabaseSync(':memory:');
       db.exec('CREATE TABLE item(id INTEGER PRIMARY KEY, price); CREATE TABLE outbox(changes)');
       db.exec('INSERT INTO item VALUES (1, 2.5)');
       export const { session, spi } = hostInterfaces(db, { grants: { sql: 'rw' } });`,
    );
    const module = async <T>(name: string): Promise<T> =>
      (await import(pathToFileURL(join(folder, name)).href)) as T;
    (await module<Command>('command.js')).run.run();
    const { db: other } = await module<{ db: DatabaseSync }>('database.js');
    expect(other.prepare('SELECT price FROM item').get()).toEqual({ price: 5 });
    expect(other.prepare('SELECT count(*) AS n FROM outbox').get()).toEqual({ n: 1 });
    other.close();
  });
});

describe('the interfaces by themselves', () => {
  test('are those that were requested', () => {
    expect(Object.keys(hostInterfaces(db)).sort()).toEqual(['changeset', 'logging', 'session', 'spi']);
    expect(Object.keys(hostInterfaces(db, { interfaces: ['spi'] }))).toEqual(['spi']);
    expect(Object.keys(hostImports(db, { interfaces: ['session'] }))).toEqual([
      'sqlite:extension/session',
      ...contract.releases.map((release) => `sqlite:extension/session@${release}`),
    ]);
    expect(hostImports(db, { interfaces: [] })).toEqual({});
  });

  test('work without any component', () => {
    withItems();
    const { session, spi } = hostInterfaces(db, { grants: { sql: 'rw' } });
    const handle = session.create('main');
    session.attach(handle, undefined);
    spi.run('UPDATE item SET price = price * 2');
    expect(Buffer.from(session.changeset(handle)).toString('hex')).toMatch(/^540201006974656d00170001/);
    expect(spi.execute('SELECT price FROM item WHERE id = ?1', [{ tag: 'integer', val: 1n }]).rows).toEqual([
      [{ tag: 'real', val: 5 }],
    ]);
  });

  test('use the grants of the database, unless others are given', () => {
    const granted = new DatabaseSync(':memory:', { grants: { sql: 'ro' } });
    const one = 'SELECT 1';
    expect(hostInterfaces(granted).spi.execute(one, []).rows).toHaveLength(1);
    expect(() => hostInterfaces(db).spi.execute(one, [])).toThrow();
    granted.close();
  });

  test('unknown interfaces and options are refused', () => {
    const names = ['sessions'] as never[];
    expect(() => hostInterfaces(db, { interfaces: names })).toThrow(
      'The "options.interfaces" argument names sessions, which is not one of session, changeset, spi, logging.',
    );
    expect(() => hostInterfaces(db, { grants: { sql: 'all' as 'rw' } })).toThrow(/"grants.sql" argument/);
    expect(() => hostInterfaces(db, { grant: {} } as object)).toThrow(
      'unknown option "grant"; did you mean "grants"?',
    );
    expect(() => hostInterfaces({} as DatabaseSync)).toThrow(/must be a DatabaseSync/);
    expect(() => hostImports(db, { name: 5 as unknown as string })).toThrow(/"options.name" argument/);
    db.close();
    expect(() => hostInterfaces(db)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_STATE' }));
  });

  test('fail once the database is closed', async () => {
    const { session } = hostInterfaces(db);
    const { capture } = (await instantiable<{ capture: Capture }>('stranger', 'hybrid'))(hostImports(db));
    db.close();
    const closed = expect.objectContaining({ code: 'ERR_INVALID_STATE' });
    expect(() => session.create('main')).toThrow(closed);
    expect(() => capture.start()).toThrow(closed);
    db.open();
    expect(() => session.create('main')).toThrow(/opened again: make the interfaces again/);
    expect(hostInterfaces(db).session.create('main')).toBeGreaterThan(0n);
  });
});
