/**
 * Kills the daemon repeatedly at random under load. Every committed change of rows or the schema must be in the output
 * exactly once.
 *
 *     npm run test:daemon                    200 rounds
 *     npm run test:daemon -- --rounds 10
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { dist } from './sources.js';

interface Api {
  DatabaseSync: typeof import('sqlite-wasm-run').DatabaseSync;
}

/** Pseudorandom numbers from a seed. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return (state >>> 0) % below;
  };
}

const schema = `CREATE TABLE a(id INTEGER PRIMARY KEY, round, n, text);
  CREATE TABLE b(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
  CREATE TRIGGER tr AFTER INSERT ON a BEGIN INSERT INTO b VALUES('r'||new.id, new.n) ON CONFLICT DO UPDATE SET v=v+1; END;`;

class Client {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #greeted = false;
  readonly #waiting: ((answer: { error?: { message: string } }) => void)[] = [];

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on('error', () => this.socket.destroy());
    this.socket.on('data', (data) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#read();
    });
  }

  ask(sql: string): Promise<{ error?: { message: string } }> {
    const text = Buffer.from(JSON.stringify({ id: 1, sql }));
    const head = Buffer.alloc(4);
    head.writeUInt32BE(text.length);
    this.socket.write(Buffer.concat([head, text]));
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #read(): void {
    if (!this.#greeted) {
      const end = this.#received.indexOf(10);
      if (end < 0) return;
      this.#greeted = true;
      this.#received = this.#received.subarray(end + 1);
    }
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readUInt32BE(0);
      if (this.#received.length < end) return;
      const answer = JSON.parse(this.#received.subarray(4, end).toString());
      this.#received = this.#received.subarray(end);
      this.#waiting.shift()?.(answer);
    }
  }
}

export interface TortureResult {
  rounds: number;
  /** The number of transactions with an acknowledged commit. */
  committed: number;
  /** The number of these transactions that changed the schema. */
  schema: number;
  /** The number of rows and schema objects that differ after the capture is applied to the initial state. */
  different: number;
  /** The number of acknowledged rows and tables that are missing in the database. */
  lost: number;
  bytes: number;
}

/** @param api the built package */
export async function torture(api: Api, rounds: number, seed = 1): Promise<TortureResult> {
  const { DatabaseSync } = api;
  const folder = mkdtempSync(join(tmpdir(), 'torture-'));
  const random = randomNumbers(seed);
  const [db, copy, socket, out] = ['a.db', 'copy.db', 's', 'o.cs'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ];
  const acknowledged: number[] = [];
  const tables: string[] = [];
  let changesOfSchema = 0;
  let running: ChildProcess | undefined;
  try {
    const first = new DatabaseSync(db);
    first.exec(schema);
    first.close();
    copyFileSync(db, copy);

    const start = async (): Promise<ChildProcess> => {
      const program = join(dist, 'cli/main.js');
      const args = [program, 'changeset', 'daemon', '--db', db, '--socket', socket, '--output', out, '--ddl'];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      for await (const data of child.stderr as AsyncIterable<Buffer>) {
        said += data;
        if (said.includes('listening')) return child;
      }
      throw new Error(`the daemon did not start: ${said}`);
    };

    let next = 1;
    /** Runs statements alone and in a transaction. Some change the schema, and many may fail. */
    const changeSchema = async (client: Client, id: number): Promise<void> => {
      const column = `c${random(4)}`;
      const alone = [
        `ALTER TABLE a ADD COLUMN ${column} DEFAULT ${id}`,
        `ALTER TABLE a DROP COLUMN ${column}`,
        `CREATE INDEX IF NOT EXISTS i${random(5)} ON a(n)`,
        `DROP INDEX IF EXISTS i${random(5)}`,
        `PRAGMA user_version=${id}`,
      ];
      if (random(2) === 0) {
        const answer = await client.ask(alone[random(alone.length)] ?? '');
        if (!answer.error) changesOfSchema += 1;
        return;
      }
      const table = `made${id}`;
      await client.ask('BEGIN');
      await client.ask(`UPDATE a SET n=n+1 WHERE id % 11 = ${random(11)}`);
      await client.ask(`CREATE TABLE ${table}(k INTEGER PRIMARY KEY, v)`);
      await client.ask(`INSERT INTO ${table} VALUES(1, ${id}), (2, 'x')`);
      if (random(2) === 0) await client.ask(`ALTER TABLE ${table} ADD COLUMN w DEFAULT 7`);
      if (random(2) === 0) await client.ask(`UPDATE ${table} SET v=v+1`);
      const gone = tables.at(random(tables.length + 1));
      if (gone !== undefined && random(2) === 0) {
        tables.splice(tables.indexOf(gone), 1);
        await client.ask(`DROP TABLE IF EXISTS ${gone}`);
      }
      const keep = random(4) > 0;
      const answer = await client.ask(keep ? 'COMMIT' : 'ROLLBACK');
      if (!keep || answer.error) return;
      tables.push(table);
      changesOfSchema += 1;
    };
    let answered = 0;
    const work = async (client: Client, round: number): Promise<void> => {
      for (; !client.socket.destroyed; answered++) {
        const id = next++;
        const insert = `INSERT INTO a(id, round, n, text) VALUES(${id}, ${round}, ${random(9)}, '${'x'.repeat(random(3000))}')`;
        if (random(5) === 0) await changeSchema(client, id);
        else if (random(3) > 0) {
          const answer = await client.ask(insert);
          if (!answer.error) acknowledged.push(id);
        } else {
          await client.ask('BEGIN');
          await client.ask(insert);
          await client.ask(`UPDATE a SET n=n+1 WHERE id % 7 = ${random(7)}`);
          if (random(3) === 0) await client.ask(`DELETE FROM b WHERE k='r${random(id)}'`);
          const keep = random(4) > 0;
          const answer = await client.ask(keep ? 'COMMIT' : 'ROLLBACK');
          if (keep && !answer.error) acknowledged.push(id);
        }
      }
    };

    for (let round = 1; round <= rounds; round++) {
      running = await start();
      const clients = Array.from({ length: 3 }, () => new Client(socket));
      for (const client of clients) void work(client, round);
      // Wait for at least one commit before the kill, because the machine may be slow.
      const goal = answered + random(60);
      for (let waited = 0; answered < goal && waited < 3000; waited += 5) await sleep(5);
      await sleep(random(20));
      if (random(5) === 0) {
        running.kill('SIGTERM'); // so that the kill happens while the daemon writes the changeset
        await sleep(random(30));
      }
      const exited = running.exitCode === null ? once(running, 'exit') : undefined;
      running.kill('SIGKILL');
      await exited;
      for (const { socket: open } of clients) open.destroy();
    }
    running = await start();
    const exited = once(running, 'exit');
    running.kill('SIGTERM');
    await exited;
    if (running.exitCode !== 0 || !existsSync(out))
      throw new Error(`the daemon ended with ${running.exitCode}`);

    const capture = new Uint8Array(readFileSync(out));
    const replayed = new DatabaseSync(copy);
    if (!replayed.applyCapture(capture).applied)
      throw new Error('applying the capture caused a conflict: it contains a change twice');
    replayed.prepare('ATTACH ? AS live').run(db);
    const differing = (columns: string, table: string): number => {
      let rows = 0;
      for (const [one, other] of [
        ['main', 'live'],
        ['live', 'main'],
      ]) {
        const sql = `SELECT count(*) AS n FROM
          (SELECT ${columns} FROM ${one}.${table} EXCEPT SELECT ${columns} FROM ${other}.${table})`;
        rows += Number(replayed.prepare(sql).get()?.n);
      }
      return rows;
    };
    let different = differing('type, name, sql', 'sqlite_schema');
    if (different === 0) {
      const names = replayed.prepare("SELECT name FROM live.sqlite_schema WHERE type='table'").all();
      for (const { name } of names) different += differing('*', String(name));
    }
    const version = (schema: string): unknown => replayed.prepare(`PRAGMA ${schema}.user_version`).get();
    if (JSON.stringify(version('main')) !== JSON.stringify(version('live'))) different += 1;
    const there = replayed.prepare('SELECT 1 FROM live.a WHERE id=?');
    const made = replayed.prepare('SELECT 1 FROM live.sqlite_schema WHERE name=?');
    const lost =
      acknowledged.filter((id) => !there.get(id)).length + tables.filter((table) => !made.get(table)).length;
    replayed.close();
    return {
      rounds,
      committed: acknowledged.length,
      schema: changesOfSchema,
      different,
      lost,
      bytes: capture.length,
    };
  } finally {
    running?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const at = process.argv.indexOf('--rounds');
  const rounds = at < 0 ? 200 : Number(process.argv[at + 1]);
  const api = (await import(join(dist, 'index.js'))) as Api;
  const result = await torture(api, rounds, Date.now() % 1_000_000);
  console.log(JSON.stringify(result));
  if (result.different > 0 || result.lost > 0) process.exitCode = 1;
}
