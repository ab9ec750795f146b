/** Errors of the daemon: malformed requests, clients that disconnect, and files that cannot be opened. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { describe, expect, test } from 'vitest';
import { folder, frame, frames, lines, start } from '../kit/daemon-client.js';

/** Sends bytes, closes its side, and returns all data until the daemon closes the connection. */
function sends(...pieces: (string | Buffer)[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: join(folder, 's'), allowHalfOpen: true });
    const received: Buffer[] = [];
    socket.on('data', (data) => received.push(data));
    socket.on('error', reject);
    socket.on('end', () => resolve(Buffer.concat(received)));
    for (const piece of pieces) socket.write(piece);
    socket.end();
  });
}

const greeting = 'sqlite-wasm-run daemon 1 a.db\n';
const inLines = async (...pieces: (string | Buffer)[]): Promise<string> =>
  (await sends(...pieces)).toString().slice(greeting.length);
/** The error in the only frame of the reply. */
async function inFrames(bytes: Buffer): Promise<{ code: number; message: string; id: unknown }> {
  const answer = (await sends(bytes)).subarray(greeting.length);
  expect(answer.readUInt32BE(0)).toBe(answer.length - 4);
  const { id, error } = JSON.parse(answer.subarray(4).toString());
  return { id, ...error };
}

describe('frames', () => {
  test('the reply to a malformed frame explains the error', async () => {
    await start();
    expect(await inFrames(frame('{"a"x'))).toMatchObject({
      id: null,
      code: 21,
      message: expect.stringMatching(/^the frame is not JSON: Expected ':'/),
    });
    const cases: [Buffer, string][] = [
      [frame(''), 'the frame is not JSON: Unexpected end of JSON input'],
      [frame(Buffer.from([0xff, 0xfe])), 'the frame is not JSON: it is not UTF-8'],
      [frame('null'), 'a request must have "sql", or "command": "status" or "quit"'],
      [frame('{"command":"stop"}'), 'a request must have "sql", or "command": "status" or "quit"'],
      [frame('{"sql":1}'), 'a request must have "sql", or "command": "status" or "quit"'],
      [frame('{"sql":"SELECT 1","params":{}}'), '"params" must be an array'],
      [Buffer.from([1, 0, 0, 0, 1, 2]), 'a frame may have at most 16777215 bytes'],
      [Buffer.from([0, 0, 1, 0, 0x7b]), 'the input ends in the middle of a request'],
    ];
    for (const [bytes, message] of cases) expect(await inFrames(bytes)).toMatchObject({ id: null, message });
  });
  test('values that would be read as something else are refused, with the id of the request', async () => {
    await start();
    const { ask } = await frames();
    for (const value of [
      2 ** 53,
      1e300,
      true,
      [],
      {},
      { integer: '9223372036854775808' },
      { integer: 'x' },
      { real: 'x' },
      { blob: 'abc' },
      { blob: 'zz' },
    ]) {
      expect(await ask({ id: 7, sql: 'SELECT ?', params: [value] })).toEqual({
        id: 7,
        error: {
          code: 21,
          extendedCode: 21,
          message: expect.stringMatching(/ is not a value: use null, a number, a string, /),
        },
      });
    }
    expect(
      await ask({ id: 8, sql: 'SELECT ?', params: [{ integer: '-9223372036854775808' }] }),
    ).toMatchObject({
      rows: [[{ integer: '-9223372036854775808' }]],
    });
  });
  test('the largest frame', async () => {
    await start();
    const { ask } = await frames();
    const text = 'x'.repeat(2 ** 24 - 1 - JSON.stringify({ sql: 'SELECT length(?)', params: [''] }).length);
    expect(await ask({ sql: 'SELECT length(?)', params: [text] })).toMatchObject({ rows: [[text.length]] });
    expect(await ask({ command: 'status' })).toMatchObject({ id: null, status: {} });
  });
});

describe('lines', () => {
  test('comments, semicolons within statements, several statements in a line, one without an end', async () => {
    await start();
    expect(await inLines("SELECT 1; SELECT ';' /* ; */ -- ;\n, 2;\nSELECT 3")).toBe(
      '1\n-- ok, 1 rows, 0 changes\n;\t2\n-- ok, 1 rows, 0 changes\n-- error 21: the input ends in the middle of a request\n',
    );
    expect(await inLines('SELECT 1 /* ; ', 'still */ ;')).toBe('1\n-- ok, 1 rows, 0 changes\n');
    expect(await inLines('help\n.tables\n')).toBe(
      '-- SQL on one or more lines, ended by a semicolon, or .status or .quit\n' +
        '-- error 21: unknown command .tables; send SQL on one or more lines, ended by a semicolon, or .status or .quit\n',
    );
    expect(await inLines('x'.repeat(2 ** 24))).toBe(
      '-- error 21: a statement may have at most 16777215 bytes\n',
    );
  });
  test('a long statement full of semicolons', async () => {
    await start();
    const text = ';'.repeat(5_000_000);
    expect(await inLines(`SELECT length('${text}');\nSELECT 2;\n`)).toBe(
      '5000000\n-- ok, 1 rows, 0 changes\n2\n-- ok, 1 rows, 0 changes\n',
    );
  });
  test('a client that closes its side still gets its answers; its open transaction is rolled back', async () => {
    const { ended } = await start();
    const { ask } = await lines();
    await ask('CREATE TABLE t(a INTEGER PRIMARY KEY);');
    await ask('BEGIN;');
    const waiting = inLines('INSERT INTO t VALUES(1);');
    await ask('INSERT INTO t VALUES(2);');
    await ask('COMMIT;');
    expect(await waiting).toBe('-- ok, 0 rows, 1 changes\n');
    expect(await inLines('BEGIN; INSERT INTO t VALUES(3);')).toBe(
      '-- ok, 0 rows, 0 changes\n-- ok, 0 rows, 1 changes\n',
    );
    expect(await ask('SELECT group_concat(a) FROM t;')).toBe('1,2\n-- ok, 1 rows, 0 changes\n');
    await ask('quit');
    await ended;
  });
  const netcat = spawnSync('nc', ['-h']).stderr?.toString().includes('[-w');
  test.skipIf(!netcat)('nc -U', async () => {
    await start();
    const { stdout } = spawnSync('nc', ['-N', '-U', 's'], {
      cwd: folder,
      input: 'CREATE TABLE t(a);\nSELECT 5;\n',
      encoding: 'utf8',
    });
    expect(stdout).toBe(
      `${greeting}-- ok, 0 rows, 0 changes; the changeset does not contain its schema changes\n5\n-- ok, 1 rows, 0 changes\n`,
    );
  });
});

describe('what cannot be opened', () => {
  test.each<[string, string[], number, string]>([
    [
      'a path that is too long',
      ['--socket', `/tmp/${'x'.repeat(120)}`],
      2,
      "bytes, but a socket's path has at most 107",
    ],
    [
      'a file in the place of the socket',
      ['--socket', 'text'],
      2,
      'text exists and is not a socket; refusing to replace it',
    ],
    ['a missing folder', ['--socket', 'none/s'], 1, 'cannot listen on none/s: '],
    [
      'an output that is not a changeset',
      ['-o', 'text'],
      4,
      'text exists, but is not a changeset to which changes can be added: ',
    ],
    ['an output that is a database', ['-o', 'b.db'], 2, 'b.db is a database; refusing to overwrite it'],
    ['standard output', ['-o', '-'], 2, '--output must name a file'],
    ['a file that is not a database', ['--db', 'text'], 1, 'cannot open text: file is not a database'],
    ['a folder', ['--db', 'dir'], 1, 'cannot open dir: it is a folder'],
    ['a patience of 0', ['--patience', '0'], 2, '--patience takes a number of seconds above 0'],
  ])('%s', async (_, more, code, message) => {
    writeFileSync(
      join(folder, 'text'),
      'text that is not a database, nor anything else that could be used here\n',
    );
    mkdirSync(join(folder, 'dir'));
    const db = new DatabaseSync(join(folder, 'b.db'));
    db.exec('CREATE TABLE t(a)');
    db.close();
    const before = readdirSync(folder);
    const { child, said } = await start(...more);
    expect(said()).toContain(message);
    expect(said().split('\n')).toHaveLength(2);
    expect(child.exitCode).toBe(code);
    expect(readdirSync(folder).filter((name) => name !== 'a.db')).toEqual(before);
    expect(readFileSync(join(folder, 'text'), 'utf8')).toContain('text that is not a database');
  });
  test('a second daemon on the same output; the socket of a killed one', async () => {
    const first = await start();
    const second = await start('--socket', 's2');
    expect(second.child.exitCode).toBe(1);
    expect(second.said()).toContain('another daemon is writing o.cs: choose another output');
    expect(existsSync(join(folder, 's2'))).toBe(false);
    first.child.kill('SIGKILL');
    await first.ended;
    expect(existsSync(join(folder, 's'))).toBe(true);
    const third = await start();
    expect(third.said()).toBe('listening on s; 0 transactions captured\n');
  });
  test('a journal whose first line is incomplete is started again', async () => {
    writeFileSync(join(folder, 'o.cs.journal'), '{"format":1,"na');
    const { said } = await start();
    expect(said()).toBe('listening on s; 0 transactions captured\n');
  });
});
