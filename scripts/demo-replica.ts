/**
 * Demonstrates replication: `npm run demo:replica`.
 *
 * Starts a server and three copies, each in its own process, that sell from the same stock. One copy is disconnected,
 * one is killed, and the schema changes. A table shows how the copies converge. On a terminal the table is updated in
 * place; otherwise a line is printed every second.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DatabaseSync as Database } from 'sqlite-wasm-run';
import type { TableDigest } from 'sqlite-wasm-run/replica';
import { Link, NatsServer, serverVersion } from '../test/replica/nats-server.js';
import { dist } from './sources.js';

const { natsLog, Replica } = (await import(
  join(dist, 'replica/index.js')
)) as typeof import('sqlite-wasm-run/replica');

/** The report of a copy's process. */
interface Report {
  readonly state: string;
  readonly sequence: number;
  readonly pending: number;
  readonly rejected: number;
  readonly stock: number;
  readonly sales: number;
  readonly columns: number;
  readonly digest: string;
}

const functions = {
  sell(database: Database, copy: string, count: number): void {
    const { changes } = database
      .prepare('UPDATE item SET stock=stock-? WHERE id=1 AND stock>=?')
      .run(count, count);
    if (changes === 0) throw new Error('sold out');
    database.prepare('INSERT INTO sale(copy, count) VALUES(?, ?)').run(copy, count);
  },
};

/** Runs a copy in this process. */
async function copy(path: string, servers: string, name: string): Promise<void> {
  const replica = await Replica.open(path, {
    log: natsLog({ servers, name: 'demo', timeout: 1000 }),
    functions,
  });
  await replica.sync();
  const numberOf = (sql: string): number =>
    Number(Object.values(replica.database.prepare(sql).get() ?? {})[0]);
  let sells = true;
  const say = async (): Promise<void> => {
    const { state, sequence, pending } = replica.status();
    const none: { tables: Readonly<Record<string, TableDigest>> } = { tables: {} };
    const { tables } = sells ? none : await replica.verify().catch(() => none);
    const report: Report = {
      state,
      sequence,
      pending,
      rejected: replica.rejected().length,
      stock: numberOf('SELECT sum(stock) FROM item'),
      sales: numberOf('SELECT count(*) FROM sale'),
      columns: numberOf("SELECT count(*) FROM pragma_table_info('sale')"),
      digest: Object.values(tables)
        .map(({ digest }) => digest.slice(0, 4))
        .join(' '),
    };
    process.send?.(report);
  };
  process.on('message', (message) => {
    if (message === 'stop') sells = false;
    if (message === 'change') {
      void replica.transaction(
        (database) => database.exec("ALTER TABLE sale ADD COLUMN paid DEFAULT 'cash'"),
        {
          wait: true,
        },
      );
    }
  });
  process.on('disconnect', () => process.exit(0));
  for (let i = 0; ; i++) {
    try {
      if (sells) replica.transaction('sell', [name, 1 + (i % 3)]);
    } catch {} // sold out
    if (i % 5 === 0) await say();
    await sleep(40);
  }
}

const isTerminal = process.stdout.isTTY === true;
const names = ['anna', 'ben', 'cleo'];

/** The table, redrawn in place on a terminal. */
class Board {
  #drawn = 0;
  note = '';
  readonly #began = Date.now();
  readonly reports = new Map<string, Report | undefined>();

  draw(): void {
    const time = `${((Date.now() - this.#began) / 1000).toFixed(0).padStart(3)} s`;
    if (!isTerminal) {
      const cells = names.map((name) => {
        const report = this.reports.get(name);
        return `${name} ${report ? `${report.state} stock ${report.stock} pending ${report.pending}` : 'killed'}`;
      });
      console.log(`${time}  ${cells.join(' | ')}`);
      return;
    }
    const head = 'copy   state     message  pending  rejected  stock  sales  columns  digests';
    const lines = [`${time}  ${this.note}`, '', head, ...names.map((name) => this.#row(name)), ''];
    if (this.#drawn > 0) process.stdout.write(`\u001b[${this.#drawn}A`);
    for (const line of lines) process.stdout.write(`${line}\u001b[K\n`);
    this.#drawn = lines.length;
  }

  /** Prints the current event. */
  say(text: string): void {
    this.note = text;
    if (isTerminal) this.draw();
    else console.log(`       ${text}`);
  }

  #row(name: string): string {
    const report = this.reports.get(name);
    if (!report) return `${name.padEnd(7)}killed`;
    const { state, sequence, pending, rejected, stock, sales, columns, digest } = report;
    const numbers = [
      [sequence, 7],
      [pending, 9],
      [rejected, 10],
      [stock, 7],
      [sales, 7],
      [columns, 9],
    ].map(([value = 0, width = 0]) => String(value).padStart(width));
    return `${name.padEnd(7)}${state.padEnd(10)}${numbers.join('')}  ${digest}`;
  }
}

async function demo(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'demo-replica-'));
  const server = new NatsServer('');
  const links = names.map(() => new Link(() => server.port));
  const children = new Map<string, ChildProcess>();
  const board = new Board();
  const path = (name: string): string => join(folder, `${name}.db`);
  const start = (i: number): void => {
    const name = names[i] ?? '';
    const args = [path(name), links[i]?.address ?? '', name];
    const child = fork(fileURLToPath(import.meta.url), args, { execArgv: ['--import', 'tsx'] });
    children.set(name, child);
    child.on('message', (report: Report) => board.reports.set(name, report));
  };
  const watch = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds * (isTerminal ? 5 : 1); i++) {
      await sleep(isTerminal ? 200 : 1000);
      board.draw();
    }
  };
  try {
    await server.start();
    for (const link of links) await link.start();
    const first = await Replica.open(path('anna'), {
      log: natsLog({ servers: server.address, name: 'demo' }),
      create: true,
    });
    await first.sync();
    await first.transaction(
      (database) =>
        database.exec(`CREATE TABLE item(id INTEGER PRIMARY KEY, stock INTEGER); INSERT INTO item VALUES(1, 2000);
          CREATE TABLE sale(id INTEGER PRIMARY KEY AUTOINCREMENT, copy TEXT, count INTEGER)`),
      { wait: true },
    );
    await first.close();
    names.forEach((_, i) => void start(i));
    while (board.reports.size < names.length) await sleep(50);
    board.say('three copies sell from one stock');
    await watch(4);
    board.say('ben is cut off, and goes on selling');
    for (const [i, name] of names.entries()) if (name === 'ben' && links[i]) links[i].isUp = false;
    await watch(3);
    board.say('cleo is killed');
    const cleo = children.get('cleo');
    cleo?.kill('SIGKILL');
    if (cleo?.exitCode === null && cleo.signalCode === null) await once(cleo, 'exit');
    board.reports.set('cleo', undefined);
    await watch(2);
    board.say('anna adds a column to a table, on which ben has pending sales');
    children.get('anna')?.send('change');
    await watch(2);
    board.say('ben is back: its sales run again on the new state; cleo starts again');
    if (links[1]) links[1].isUp = true;
    start(2);
    await watch(4);
    board.say('nobody sells any more');
    for (const child of children.values()) child.send('stop');
    for (let i = 0; i < 20; i++) {
      await watch(1);
      const all = names.map((name) => board.reports.get(name));
      const [one] = all;
      if (all.every((report) => report?.digest && report.digest === one?.digest && report.pending === 0)) {
        const sold = 2000 - (one?.stock ?? 0);
        console.log(`\nall copies are equal: ${one?.sales} sales of ${sold}, digests ${one?.digest}`);
        return true;
      }
    }
    console.error('the copies differ');
    return false;
  } finally {
    for (const child of children.values()) child.kill('SIGKILL');
    for (const link of links) await link[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }
}

const [file, servers, name] = process.argv.slice(2);
if (file !== undefined) await copy(file, servers ?? '', name ?? '');
else if (serverVersion === undefined) {
  console.log('skipped: set NATS_SERVER to a nats-server, or put one in PATH');
} else process.exitCode = (await demo()) ? 0 : 1;
