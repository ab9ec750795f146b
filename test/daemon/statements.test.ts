/**
 * Statements of the daemon's clients: long statements, many rows, settings, attached databases, and several clients at
 * once.
 */

import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Changeset, DatabaseSync } from 'sqlite-wasm-run';
import { describe, expect, test } from 'vitest';
import { folder, frames, lines, start } from '../kit/daemon-client.js';

const endless = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c';
const rowsOf = (count: number): string =>
  `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<${count}) SELECT x, 'row ' || x FROM c`;
const captured = (): unknown[] =>
  [...new Changeset(new Uint8Array(readFileSync(join(folder, 'o.cs'))))].map(({ new: values }) => values[0]);
const pause = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));

/** The data that a client receives until the connection is closed or `last` matches. */
async function answersTo(bytes: Buffer | string, last?: RegExp): Promise<string> {
  const socket = connect({ path: join(folder, 's'), allowHalfOpen: true });
  const received: Buffer[] = [];
  socket.write(bytes);
  if (!last) socket.end();
  for await (const data of socket as AsyncIterable<Buffer>) {
    received.push(data);
    if (last?.test(Buffer.concat(received).toString())) break;
  }
  socket.destroy();
  const text = Buffer.concat(received).toString();
  return text.slice(text.indexOf('\n') + 1);
}

describe('bytes that are not UTF-8', () => {
  const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
  test.each([
    ['in a statement', "SELECT 'caf\xe9';\nSELECT 2;\n", '0xe9 at 11'],
    ['in a line without a statement', '\xff\nSELECT 2;\n', '0xff at 0'],
    ['in a text over two lines', "SELECT 'a\xc3\n;', 1;\nSELECT 2;\n", '0xc3 at 9'],
    ['in a comment', '-- \xfe\nSELECT 2;\n', '0xfe at 3'],
  ])('%s: an error, after which the next requests run', async (_, text, what) => {
    await start();
    const answer = await answersTo(latin(text), /-- ok.*\n/);
    expect(answer).toBe(
      `-- error 21: the statement is not UTF-8: byte ${what}\n2\n-- ok, 1 rows, 0 changes\n`,
    );
  });
  test('characters that arrive in parts are whole', async () => {
    await start();
    const socket = connect(join(folder, 's'));
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    for (const byte of Buffer.from("SELECT 'é\u00a0—😀';\n")) {
      socket.write(Buffer.from([byte]));
      await pause(2);
    }
    while (!answer.includes('-- ')) await pause(10);
    expect(answer.slice(answer.indexOf('\n') + 1)).toBe('é\u00a0—😀\n-- ok, 1 rows, 0 changes\n');
    socket.destroy();
  });
});

describe('a statement that runs', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'is ended by %s; what was committed is written',
    async (signal) => {
      const { child, ended } = await start();
      const { ask } = await lines();
      await ask('CREATE TABLE t(a INTEGER PRIMARY KEY);');
      await ask('INSERT INTO t VALUES(1);');
      const answer = ask(`INSERT INTO t ${endless};`);
      await pause(300);
      child.kill(signal);
      expect(await answer).toBe('-- error 9: interrupted: the daemon is shutting down\n');
      await ended;
      expect(child.exitCode).toBe(0);
      expect(captured()).toEqual([1n]);
    },
  );
  test('is ended by the quit of another client, whose own requests are done first', async () => {
    const { child, ended } = await start();
    const [one, other] = [await lines(), await lines()];
    await one.ask('CREATE TABLE t(a INTEGER PRIMARY KEY);');
    const answer = one.ask(`${endless};`);
    await pause(300);
    const last = other.ask('INSERT INTO t VALUES(7);\nquit');
    expect(await answer).toBe('-- error 9: interrupted: the daemon is shutting down\n');
    expect(await last).toBe('-- ok, 0 rows, 1 changes\n');
    await ended;
    expect(child.exitCode).toBe(0);
    expect(captured()).toEqual([7n]);
  });
  test('is ended by the quit of its own client after a moment, and a transaction of another is rolled back', async () => {
    const { child, ended } = await start();
    const [one, other] = [await lines(), await frames()];
    await one.ask('CREATE TABLE t(a INTEGER PRIMARY KEY);');
    await one.ask('INSERT INTO t VALUES(1);');
    await one.ask('BEGIN;');
    await one.ask('INSERT INTO t VALUES(2);');
    expect(await other.ask({ id: 1, command: 'quit' })).toMatchObject({ status: { transactions: 2 } });
    await ended;
    expect(child.exitCode).toBe(0);
    expect(captured()).toEqual([1n]);
    const again = await start();
    const { ask } = await lines();
    expect(await ask(`${endless};\nquit`)).toBe('-- error 9: interrupted: the daemon is shutting down\n');
    await again.ended;
    expect(again.child.exitCode).toBe(0);
  });
  test('ends with its client', async () => {
    await start();
    const [one, other, third] = [await lines(), await lines(), await lines()];
    void one.ask(`${endless};`);
    await pause(200);
    const waiting = other.ask('SELECT 1;');
    one.socket.destroy();
    expect(await waiting).toBe('1\n-- ok, 1 rows, 0 changes\n');
    // The daemon does not notice at once that a client that closed its side is gone.
    third.socket.write(`${endless};\n`);
    third.socket.end();
    await pause(300);
    const next = other.ask('SELECT 2;');
    third.socket.destroy();
    expect(await next).toBe('2\n-- ok, 1 rows, 0 changes\n');
  });
  test('continues for a client that only closed its side', async () => {
    await start();
    const slow = `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<3000000) SELECT max(x) FROM c;`;
    expect(await answersTo(slow)).toBe('3000000\n-- ok, 1 rows, 0 changes\n');
  });
  test('--timeout ends it; the next one runs', async () => {
    await start('--timeout', '0.3');
    const { ask } = await frames();
    await ask({ sql: 'CREATE TABLE t(a INTEGER PRIMARY KEY)' });
    expect(await ask({ id: 5, sql: endless })).toEqual({
      id: 5,
      error: { code: 9, extendedCode: 9, message: 'interrupted: it ran for 0.3 s (--timeout)' },
    });
    await ask({ sql: 'BEGIN' });
    await ask({ sql: 'INSERT INTO t VALUES(1)' });
    expect(await ask({ sql: endless })).toMatchObject({ error: { code: 9 } });
    expect(await ask({ sql: 'COMMIT' })).not.toHaveProperty('error');
    expect(await ask({ sql: 'SELECT a FROM t' })).toMatchObject({ rows: [[1]] });
  });
  test.each(['0', '-1', 'x', '1e9'])('--timeout takes a number of seconds, not %s', async (time) => {
    const { child, said } = await start(`--timeout=${time}`);
    expect([child.exitCode, said()]).toEqual([
      2,
      expect.stringContaining('--timeout takes a number of seconds above 0'),
    ]);
  });
});

describe('many rows', () => {
  const count = 400_000;
  const expected = (): string =>
    `${Array.from({ length: count }, (_, i) => `${i + 1}\trow ${i + 1}\n`).join('')}-- ok, ${count} rows, 0 changes\n`;

  /** Reads the reply after a pause. */
  async function readLate(socket: Socket, done: (text: string) => boolean): Promise<string> {
    let text = '';
    socket.resume();
    for await (const data of socket as AsyncIterable<Buffer>) {
      text += data;
      if (done(text.slice(-200))) break;
    }
    return text;
  }

  test('in lines, as they are read: a client that does not read does not delay others, and later gets all rows', async () => {
    await start();
    const slow = connect(join(folder, 's'));
    await once(slow, 'data');
    slow.pause();
    slow.write(`${rowsOf(count)};\nSELECT 'next';\n`);
    await pause(100);
    const { ask } = await lines();
    const began = Date.now();
    expect(await ask('SELECT 1;')).toBe('1\n-- ok, 1 rows, 0 changes\n');
    expect(Date.now() - began).toBeLessThan(20_000);
    const text = await readLate(slow, (end) => end.endsWith('next\n-- ok, 1 rows, 0 changes\n'));
    expect(text === `${expected()}next\n-- ok, 1 rows, 0 changes\n`).toBe(true);
    slow.destroy();
  });
  test('in a frame', async () => {
    await start();
    const { ask } = await frames();
    const { rows, ...rest } = (await ask({ id: 'many', sql: `SELECT * FROM (${rowsOf(50_000)})` })) as {
      rows: unknown[];
    };
    expect(rest).toEqual({ id: 'many', columns: ['x', "'row ' || x"], changes: 0, lastInsertRowid: 0 });
    expect(rows.length).toBe(50_000);
    expect(rows.at(-1)).toEqual([50_000, 'row 50000']);
  });
  test.skipIf(process.platform !== 'linux')('are not in memory, nor are the captured changes', async () => {
    const { child } = await start();
    const peak = (): number =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
    const { ask } = await lines();
    await ask('CREATE TABLE t(a INTEGER PRIMARY KEY, b);');
    const fill = 'INSERT OR REPLACE INTO t VALUES(1, randomblob(4000000));';
    await ask(fill);
    await ask(fill);
    const before = peak();
    for (let i = 0; i < 40; i++) await ask(fill);
    const slow = connect(join(folder, 's'));
    slow.pause();
    slow.write(
      'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<2000) SELECT hex(zeroblob(50000)) FROM c;\n',
    );
    await pause(50);
    await ask('SELECT 1;');
    // 40 changes of 8 MB, and an answer of 200 MB.
    expect(peak() - before).toBeLessThan(180);
    slow.destroy();
  });
});

describe('one client’s settings', () => {
  test('apply to itself', async () => {
    await start();
    const [one, other] = [await lines(), await lines()];
    const both = async (sql: string): Promise<string[]> =>
      [await one.ask(sql), await other.ask(sql)].map((answer) => answer.split('\n')[0] ?? '');
    await one.ask('CREATE TABLE t(a INTEGER PRIMARY KEY);');
    await one.ask('PRAGMA foreign_keys=OFF;');
    await one.ask('PRAGMA main.cache_size=-77;');
    await other.ask('PRAGMA query_only=1;');
    expect(await both('PRAGMA foreign_keys;')).toEqual(['0', '1']);
    expect(await both('PRAGMA cache_size;')).toEqual(['-77', '-2000']);
    expect(await both('INSERT INTO t VALUES(NULL);')).toEqual([
      expect.stringContaining('-- ok'),
      '-- error 8: attempt to write a readonly database',
    ]);
    other.socket.destroy();
    const { ask } = await lines();
    expect(await ask('PRAGMA query_only;')).toBe('0\n-- ok, 1 rows, 0 changes\n');
    expect(await one.ask('PRAGMA foreign_keys;')).toBe('0\n-- ok, 1 rows, 0 changes\n');
  });
  test('end when it disconnects, and so do its attached databases', async () => {
    const { child, ended } = await start();
    const [one, other] = [await lines(), await lines()];
    await one.ask("ATTACH ':memory:' AS mem;");
    expect(await other.ask('SELECT count(*) FROM pragma_database_list;')).toMatch(/^2\n/);
    await other.ask('PRAGMA query_only=1;');
    one.socket.destroy();
    // The daemon receives the end on another socket, and may reply to this one first.
    await expect
      .poll(() => other.ask('SELECT count(*) FROM pragma_database_list;'), { timeout: 10_000 })
      .toMatch(/^1\n/);
    child.kill('SIGTERM');
    await ended;
    expect(child.exitCode).toBe(0);
    expect(existsSync(join(folder, 'o.cs.journal'))).toBe(false);
  });
  test.each([
    ['synchronous=OFF', 'acknowledged changes of all clients must be on disk'],
    ['synchronous = normal', 'acknowledged changes of all clients must be on disk'],
    ['main.synchronous(7)', 'acknowledged changes of all clients must be on disk'],
    ['journal_mode=MEMORY', 'a crash would damage the database of all clients'],
    ['journal_mode=o', 'a crash would damage the database of all clients'],
    ['locking_mode=EXCLUSIVE', 'it would affect every client of the daemon'],
    ['case_sensitive_like=1', 'it would affect every client of the daemon'],
    ['writable_schema=ON', 'it would affect every client of the daemon'],
    ['temp_store=MEMORY', 'it would affect every client of the daemon'],
  ])('that would apply to all clients are refused: PRAGMA %s', async (pragma, why) => {
    await start();
    const { ask } = await lines();
    const answer = await ask(`PRAGMA ${pragma};`);
    expect(answer).toMatch(/^-- error 23: PRAGMA \w+=\w+ is refused: /);
    expect(answer).toContain(`is refused: ${why}\n`);
    expect(await ask('PRAGMA synchronous=FULL;')).toMatch(/-- ok/);
    expect(await ask('PRAGMA synchronous;')).toMatch(/^2\n/);
    expect(await ask('PRAGMA journal_mode=WAL;')).toMatch(/^wal\n/);
  });
});

describe('attached databases', () => {
  test('can be read but not written, because their changes are not captured', async () => {
    const db = new DatabaseSync(join(folder, 'b.db'));
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES(5)');
    db.close();
    const before = readFileSync(join(folder, 'b.db'));
    const { ended } = await start();
    const { ask } = await lines();
    await ask('CREATE TABLE main.t(a INTEGER PRIMARY KEY);');
    await ask("ATTACH 'b.db' AS b;");
    await ask("ATTACH 'a.db' AS same;");
    for (const sql of [
      'INSERT INTO b.t VALUES(1)',
      'UPDATE b.t SET a=2',
      'DELETE FROM b.t',
      'CREATE TABLE b.x(a)',
      'CREATE INDEX b.i ON t(a)',
      'DROP TABLE b.t',
      'ALTER TABLE b.t ADD COLUMN c',
      'ANALYZE b',
      'PRAGMA b.user_version=3',
      'INSERT INTO same.t VALUES(1)',
    ]) {
      expect(await ask(`${sql};`)).toMatch(
        /^-- error 23: \w+\.\w* ?is in an attached database, and its changes are not captured: clients can write only to a\.db\n/,
      );
    }
    expect(await ask('INSERT INTO main.t SELECT a FROM b.t;')).toBe('-- ok, 0 rows, 1 changes\n');
    await ask('quit');
    await ended;
    expect(captured()).toEqual([5n]);
    expect(readFileSync(join(folder, 'b.db')).equals(before)).toBe(true);
  });
});

describe('a journal that is full', () => {
  test('is an error; acknowledged changes before and after it are captured', async () => {
    process.env.FILE_FAULTS = JSON.stringify({ under: folder, log: join(folder, 'log') });
    const first = await start();
    const { ask } = await lines();
    await ask('CREATE TABLE t(a INTEGER PRIMARY KEY);');
    first.child.kill('SIGKILL');
    await first.ended;
    const operations = readFileSync(join(folder, 'log'), 'utf8').split('\n');
    // Its first line, a transaction, its mark.
    const [, fail] = operations.filter((line) => /write .*o\.cs\.journal/.test(line)).map(Number.parseFloat);
    for (const name of ['a.db', 'o.cs.journal']) writeFileSync(join(folder, name), '');
    process.env.FILE_FAULTS = JSON.stringify({ under: folder, fail, code: 'ENOSPC', torn: true });
    const { ended } = await start();
    const client = await lines();
    const answers = [];
    for (const sql of [
      'CREATE TABLE t(a INTEGER PRIMARY KEY);',
      'CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY);',
      'BEGIN;',
      'INSERT INTO t VALUES(1);',
      'COMMIT;',
    ]) {
      answers.push(await client.ask(sql));
    }
    expect(answers.filter((answer) => !answer.startsWith('-- ok'))).toEqual([
      '-- error 13: transaction rolled back, because it cannot be captured: cannot write o.cs.journal: no space left on device\n',
    ]);
    await client.ask('quit');
    await ended;
    expect(captured()).toEqual([1n]);
  });
});

describe('temporary tables', () => {
  test('cannot be used by other clients, and their names are reserved', async () => {
    await start();
    const [one, other] = [await lines(), await lines()];
    const ok = /^(?:.*\n)?-- ok/;
    await one.ask('CREATE TABLE t(q);');
    await one.ask('INSERT INTO t VALUES(8);');
    await one.ask('CREATE TEMP TABLE q(a);');
    await one.ask('INSERT INTO q VALUES(7);');
    await one.ask('CREATE TEMP VIEW v AS SELECT q AS x FROM t;');
    for (const [name, sql] of [
      ['q', 'SELECT * FROM q;'],
      ['q', 'SELECT count(*) FROM temp.Q;'],
      ['q', 'SELECT 1 FROM t WHERE EXISTS (SELECT 1 FROM q);'],
      ['q', 'INSERT INTO q VALUES(1);'],
      ['q', 'UPDATE q SET a=1;'],
      ['q', 'DELETE FROM q;'],
      ['q', 'DROP TABLE q;'],
      ['q', 'ALTER TABLE q RENAME TO r;'],
      ['q', 'CREATE INDEX temp.i ON q(a);'],
      ['q', 'CREATE TEMP TABLE q(z, y);'],
      ['q', 'CREATE TEMP TABLE IF NOT EXISTS q(z, y);'],
      ['q', 'CREATE TEMP VIEW Q AS SELECT 1;'],
      ['v', 'SELECT * FROM v;'],
      ['v', 'SELECT count(*) FROM v;'],
      ['v', 'DROP VIEW v;'],
      ['v', 'CREATE TEMP TABLE v(a);'],
    ]) {
      expect([sql, await other.ask(`${sql}`)]).toEqual([
        sql,
        `-- error 23: temp.${name} belongs to another client of the daemon\n`,
      ]);
    }
    expect(await other.ask('SELECT q FROM t;')).toMatch(ok);
    expect(await one.ask('SELECT a FROM q;')).toMatch(/^7\n-- ok/);
    expect(await one.ask('SELECT x FROM v;')).toMatch(/^8\n-- ok/);
    await one.ask('ALTER TABLE q RENAME TO r;');
    expect(await other.ask('SELECT * FROM r;')).toMatch(/^-- error 23: temp\.r belongs to another client/);
    expect(await other.ask('CREATE TEMP TABLE q(z, y);')).toMatch(ok);
    expect(await one.ask('SELECT * FROM q;')).toMatch(/^-- error 23: temp\.q belongs to another client/);
    await one.ask('DROP TABLE r;');
    expect(await other.ask('CREATE TEMP TABLE r(z);')).toMatch(ok);
    await one.ask('BEGIN;');
    await one.ask('CREATE TEMP TABLE gone(z);');
    await one.ask('ROLLBACK;');
    expect(await other.ask('CREATE TEMP TABLE gone(z);')).toMatch(ok);
  });
  test('end with their client, and cannot hide captured tables', async () => {
    const { ended } = await start();
    const [one, other] = [await lines(), await lines()];
    await one.ask('CREATE TABLE t(a INTEGER PRIMARY KEY);');
    expect(await one.ask('CREATE TEMP TABLE T(a INTEGER PRIMARY KEY);')).toBe(
      '-- error 23: temp.T is refused: main.T exists, and clients could write to the wrong one\n',
    );
    expect(await one.ask('CREATE TEMP VIEW t AS SELECT 1;')).toMatch(/^-- error 23: temp\.t is refused/);
    expect(await one.ask('CREATE TABLE temp.staging(a);')).toBe('-- ok, 0 rows, 0 changes\n');
    expect(await other.ask('CREATE TABLE staging(a INTEGER PRIMARY KEY);')).toMatch(
      /^-- error 23: main\.staging is refused: temp\.staging exists/,
    );
    expect(await one.ask('CREATE TEMP TRIGGER tr AFTER INSERT ON t BEGIN DELETE FROM t; END;')).toMatch(
      /^-- error 23: the temporary trigger tr is refused: it would fire for every client/,
    );
    await one.ask('INSERT INTO staging VALUES(1), (2);');
    expect(await one.ask('INSERT INTO t SELECT a FROM staging;')).toBe('-- ok, 0 rows, 2 changes\n');
    await other.ask('BEGIN;');
    one.socket.destroy();
    await pause(100);
    await other.ask('COMMIT;');
    await expect
      .poll(() => other.ask('CREATE TABLE staging(a INTEGER PRIMARY KEY);'), { timeout: 10_000 })
      .toMatch(/^-- ok/);
    await other.ask('INSERT INTO staging VALUES(9);');
    await other.ask('quit');
    await ended;
    expect(captured()).toEqual([1n, 2n, 9n]);
  });
});
