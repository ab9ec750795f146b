/** Simulates several copies with faults, from a seed, and checks the results. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'sqlite-wasm-run';
import { Replica, ReplicaError, type ReplicaPolicy } from 'sqlite-wasm-run/replica';
import { contents } from './copies.js';
import { decodeMessage } from './internals.js';
import { type Faults, MemoryLog, MemoryStream, Random, VirtualClock } from './log.js';

/** The options of a simulation. */
export interface Plan {
  readonly seed: number;
  readonly copies: number;
  readonly steps: number;
  readonly faults: Faults;
  /** Whether the copies are in files and are killed at random. */
  readonly files: boolean;
  readonly policies: readonly ReplicaPolicy[];
  /** Whether the schema changes at random. */
  readonly schemas: boolean;
}

const accounts = 8;
const start = 100;

const tables = `
CREATE TABLE account(id INTEGER PRIMARY KEY, n INTEGER NOT NULL);
CREATE TABLE entry(id TEXT PRIMARY KEY NOT NULL, who TEXT, account INTEGER REFERENCES account(id) ON DELETE CASCADE) WITHOUT ROWID;
CREATE TABLE tag(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, data BLOB);
CREATE TABLE audit(id INTEGER PRIMARY KEY, what TEXT);
CREATE TRIGGER tagged AFTER INSERT ON tag BEGIN INSERT INTO audit(what) VALUES('tag ' || new.name); END;
CREATE VIRTUAL TABLE text USING fts5(name, note UNINDEXED, prefix=2);
CREATE TRIGGER texted AFTER INSERT ON tag BEGIN INSERT INTO text(rowid, name) VALUES(new.id, new.name); END;
CREATE TRIGGER retexted AFTER UPDATE ON tag BEGIN UPDATE text SET name=new.name WHERE rowid=new.id; END;
CREATE TRIGGER untexted AFTER DELETE ON tag BEGIN DELETE FROM text WHERE rowid=old.id; END;
INSERT INTO account WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM i WHERE n<${accounts}) SELECT n, ${start} FROM i`;

/** The functions of the transactions. Each changes something in every state. */
const functions = {
  transfer(database: DatabaseSync, id: string, from: number, to: number): void {
    database.prepare('UPDATE account SET n=n-1 WHERE id=?').run(from);
    database.prepare('UPDATE account SET n=n+1 WHERE id=?').run(to);
    database.prepare('INSERT INTO entry VALUES(?, ?, ?)').run(id, 'transfer', from);
  },
  tag(database: DatabaseSync, id: string, name: string): void {
    database.prepare('INSERT INTO tag(name, data) VALUES(?, randomblob(40))').run(name);
    database.prepare('INSERT INTO entry VALUES(?, ?, NULL)').run(id, 'tag');
  },
  untag(database: DatabaseSync, id: string): void {
    database.exec('DELETE FROM tag WHERE id IN (SELECT id FROM tag ORDER BY id LIMIT 1)');
    database.prepare('INSERT INTO entry VALUES(?, ?, NULL)').run(id, 'untag');
  },
  rename(database: DatabaseSync, id: string, name: string): void {
    database.prepare('UPDATE tag SET name=? WHERE id=(SELECT max(id) FROM tag)').run(name);
    database.prepare('INSERT INTO entry VALUES(?, ?, NULL)').run(id, 'rename');
  },
  note(database: DatabaseSync, id: string, word: string): void {
    database
      .prepare('INSERT INTO text(rowid, name, note) VALUES((SELECT 10000+count(*) FROM entry), ?, ?)')
      .run(word, id);
    database.prepare('DELETE FROM text WHERE text MATCH ? AND note<?').run('common', id);
    database.prepare('INSERT INTO entry VALUES(?, ?, NULL)').run(id, 'note');
  },
};

interface Member {
  readonly path: string;
  readonly policy: ReplicaPolicy;
  readonly log: MemoryLog;
  replica: Replica;
}

export class Simulation {
  readonly clock = new VirtualClock();
  readonly stream = new MemoryStream();
  readonly members: Member[] = [];
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #folder: string | undefined;
  /** The ids of all transactions that were committed, and whether they waited. */
  readonly #committed = new Set<string>();
  readonly #problems: string[] = [];
  #redone = 0;
  /** The numbers of events. */
  counts = { messages: 0, committed: 0, rejected: 0, redone: 0 };
  #count = 0;
  #columns = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#random = new Random(plan.seed);
    this.#folder = plan.files ? mkdtempSync(join(tmpdir(), 'replica-simulation-')) : undefined;
  }

  /** Runs the simulation. Returns the problems. */
  async run(): Promise<string[]> {
    try {
      await this.#begin();
      for (let step = 0; step < this.#plan.steps; step++) await this.#step();
      await this.#heal();
      this.#check();
      const rejected = this.members.reduce((sum, { replica }) => sum + replica.rejected().length, 0);
      this.counts = {
        messages: this.stream.last,
        committed: this.#committed.size,
        rejected,
        redone: this.#redone,
      };
      for (const { replica } of this.members) await this.clock.wait(replica.close());
      return this.#problems;
    } finally {
      if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  async #begin(): Promise<void> {
    const { copies, policies, faults } = this.#plan;
    for (let i = 0; i < copies; i++) {
      const path = this.#folder === undefined ? ':memory:' : join(this.#folder, `${i}.db`);
      const policy = policies[i % policies.length] ?? 'rerun';
      const log = new MemoryLog(this.stream, this.clock, this.#random);
      const replica = await this.#open(path, policy, log, i === 0);
      this.members.push({ path, policy, log, replica });
      if (i > 0) continue;
      await this.clock.until(() => replica.status().state === 'online');
      await this.clock.wait(replica.transaction((database) => database.exec(tables), { wait: true }));
    }
    await this.clock.until(() =>
      this.members.every(({ replica }) => replica.status().sequence === this.stream.last),
    );
    for (const { log } of this.members) log.faults = faults;
  }

  async #open(path: string, policy: ReplicaPolicy, log: MemoryLog, create = false): Promise<Replica> {
    const random = new Random(this.#random.below(2 ** 31));
    const clock = {
      now: () => this.clock.now(),
      uuid: () => random.uuid(),
      sleep: (ms: number, signal: AbortSignal) => this.clock.sleep(ms, signal),
    };
    const replica = await this.clock.wait(
      Replica.open(path, { log, policy, create, functions: functions as never, timeout: 0, ...{ clock } }),
    );
    replica.on('stopped', (error) => this.#problems.push(`${path} stopped: ${error.message}`));
    replica.on('redone', () => {
      this.#redone += 1;
    });
    return replica;
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const member = this.members[random.below(this.members.length)];
    if (!member) return;
    const dice = random.next();
    if (dice < 0.5) this.#transact(member);
    else if (dice < 0.55) member.log.isUp = random.chance(0.6);
    else if (dice < 0.57 && this.#plan.schemas) this.#change(member);
    else if (dice < 0.6) this.#wait(member);
    else if (dice < 0.62 && this.#plan.files) await this.#kill(member);
    else await this.clock.pass(random.below(50));
  }

  #transact({ replica }: Member): void {
    const random = this.#random;
    const id = `e${++this.#count}`;
    const args = this.#args(id);
    const [name, ...rest] = args;
    const done = random.chance(0.7)
      ? replica.transaction(name, rest)
      : replica.transaction((database) =>
          (functions[name] as (...all: unknown[]) => void)(database, ...rest),
        );
    if (done.id === undefined) this.#problems.push(`${name} changed nothing`);
    else this.#committed.add(done.id);
  }

  #args(id: string): [keyof typeof functions, ...unknown[]] {
    const random = this.#random;
    const dice = random.next();
    if (dice < 0.6) return ['transfer', id, 1 + random.below(accounts), 1 + random.below(accounts)];
    if (dice < 0.8) return ['tag', id, `${id} ${random.below(3)}`];
    if (dice < 0.87) return ['untag', id];
    if (dice < 0.94) return ['note', id, random.chance(0.5) ? 'common word' : id];
    return ['rename', id, `renamed ${id}`];
  }

  #change({ replica }: Member): void {
    const column = `c${++this.#columns}`;
    const sql = `ALTER TABLE audit ADD COLUMN ${column}; UPDATE audit SET ${column}=id WHERE id%2`;
    replica
      .transaction((database) => database.exec(sql), { wait: true })
      .catch((error) => this.#expect(error, 'unavailable', 'closed'));
  }

  #wait({ replica }: Member): void {
    const id = `w${++this.#count}`;
    replica
      .transaction('transfer', [id, 1, 2], { wait: true })
      .catch((error) => this.#expect(error, 'unavailable', 'closed'));
  }

  #expect(error: unknown, ...reasons: string[]): void {
    if (!(error instanceof ReplicaError && reasons.includes(error.reason)))
      this.#problems.push(String(error));
  }

  /** Ends a copy as a kill does, and starts it again. */
  async #kill(member: Member): Promise<void> {
    const old = member.replica;
    old.removeAllListeners();
    member.log.isUp = false; // its current work has no effect
    const closing = old.close();
    await this.clock.wait(closing);
    member.log.isUp = true;
    member.replica = await this.#open(member.path, member.policy, member.log);
  }

  async #heal(): Promise<void> {
    for (const { log } of this.members) {
      log.isUp = true;
      log.faults = {};
    }
    const isSettled = (): boolean =>
      this.members.every(({ replica }) => {
        const { pending, sequence, state } = replica.status();
        return state === 'stopped' || (pending === 0 && sequence === this.stream.last);
      });
    for (let quiet = 0; quiet < 3; quiet++) {
      await this.clock.until(isSettled);
      await this.clock.pass(7000);
    }
  }

  #check(): void {
    const say = (problem: string): void => void this.#problems.push(problem);
    const [first] = this.members;
    if (!first) return;
    const expected = JSON.stringify(contents(first.replica.database));
    for (const { replica, path } of this.members) {
      if (JSON.stringify(contents(replica.database)) !== expected) say(`${path} differs`);
      const [row] = replica.database.prepare('PRAGMA integrity_check').all();
      if (row?.['integrity_check'] !== 'ok') say(`${path}: ${row?.['integrity_check']}`);
      const found = "SELECT group_concat(rowid) AS ids FROM text('common OR renamed')";
      const scanned =
        "SELECT group_concat(rowid) AS ids FROM text WHERE name LIKE '%common%' OR name LIKE '%renamed%'";
      const [ids, others] = [found, scanned].map((sql) => replica.database.prepare(sql).get()?.['ids']);
      if (ids !== others) say(`${path} finds ${ids}, not ${others}`);
      const kept = replica.database
        .prepare('SELECT count(*) AS n FROM _sqlite_wasm_run_replica_pending')
        .get();
      if (kept?.['n'] !== 0) say(`${path} has pending transactions in its file`);
    }
    const row = first.replica.database.prepare('SELECT sum(n) AS n FROM account').get();
    const isExact = this.#plan.policies.every((policy) => policy === 'rerun' || policy === 'reject');
    if (isExact && row?.['n'] !== accounts * start) say(`the accounts hold ${row?.['n']}`);
    this.#checkPlaces(say);
  }

  /** Each committed transaction is in the history once, or rejected. */
  #checkPlaces(say: (problem: string) => void): void {
    const places = new Map<string, number>();
    let head = this.stream.identity;
    for (const bytes of this.stream.messages.values()) {
      const message = decodeMessage(bytes);
      if (message.prev !== head) continue;
      head = message.id;
      for (const { id } of message.transactions) places.set(id, (places.get(id) ?? 0) + 1);
    }
    for (const [id, count] of places) if (count > 1) say(`${id} is in the history ${count} times`);
    const rejected = new Set(this.members.flatMap(({ replica }) => replica.rejected().map(({ id }) => id)));
    for (const id of this.#committed) {
      const count = Number(places.has(id)) + Number(rejected.has(id));
      if (count !== 1) say(`${id} is ${places.has(id) ? 'in the history and rejected' : 'lost'}`);
    }
  }
}
