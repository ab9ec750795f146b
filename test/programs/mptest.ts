/**
 * SQLite's mptest.c with this package's API, for scripts/reliability/mptest.ts. As the supervisor it runs a script and
 * starts clients. As a client it takes tasks from the shared database. The other processes may use native SQLite.
 *
 *     mptest.ts DIST DATABASE [--client N] [--journalmode MODE] [--timeout MS] [--trace N] [--sync] [SCRIPT]
 *
 * MPTEST_START is the program that starts clients. Failures are counted when they are thrown, because SQLite's log is
 * not available.
 */

import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { SqlValue } from 'sqlite-wasm-run';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    client: { type: 'string', default: '0' },
    journalmode: { type: 'string' },
    timeout: { type: 'string', default: '0' },
    trace: { type: 'string', default: '1' },
    sync: { type: 'boolean', default: false },
  },
});
const [dist = '', file = '', scriptFile] = positionals;
const { DatabaseSync } = (await import(
  pathToFileURL(join(dist, 'index.js')).href
)) as typeof import('sqlite-wasm-run');

const BUSY = 5;
const defaultTimeout = 10_000;
const me = Number(options.client);
const verbose = Number(options.trace);
const id = String(process.pid).padStart(5, '0');
const name = me > 0 ? `${id}.client${String(me).padStart(2, '0')}` : `${id}.mptest`;
let errors = 0;
let tests = 0;
let ignoresErrors = false;

const sleeper = new Int32Array(new SharedArrayBuffer(4));
const sleep = (milliseconds: number): void => void Atomics.wait(sleeper, 0, 0, milliseconds);

function log(message: string, kind = ''): void {
  const lines = message.split(/[\r\n]+/).filter((line) => line !== '');
  writeSync(1, lines.map((line) => `${name}${kind}: ${line}\n`).join(''));
}

function report(message: string): void {
  log(message, ':ERROR');
  errors += 1;
}

function fatal(message: string): never {
  log(message, ':FATAL');
  waitForLocks(0);
  for (let i = 0; i < 100 && attempt('UPDATE client SET wantHalt=1') === BUSY; i++) sleep(10);
  process.exit(1);
}

if (me === 0) rmSync(file, { force: true });
const db = new DatabaseSync(`file:${file}?vfs=unix`, { timeout: Number(options.timeout) });
let waits = -1;

/** Sets the time for which a statement waits for locks. */
function waitForLocks(milliseconds: number): void {
  if (waits !== milliseconds) db.exec(`PRAGMA busy_timeout=${milliseconds}`);
  waits = milliseconds;
}

/** The primary result code of an exception. */
function codeOf(error: unknown): number {
  const { errcode } = error as { errcode?: number };
  if (errcode === undefined) throw error;
  return errcode & 0xff;
}

function* rows(sql: string): Generator<readonly SqlValue[], void, void> {
  for (let rest = sql; rest.trim() !== ''; ) {
    let statement: ReturnType<typeof db.prepare>;
    try {
      statement = db.prepare(rest, { readBigInts: true, returnArrays: true });
    } catch (error) {
      if (error instanceof TypeError) return; // only comments are left
      throw error;
    }
    try {
      rest = rest.slice(statement.sourceSQL.length);
      yield* statement.iterate() as unknown as Iterable<SqlValue[]>;
    } finally {
      statement.close();
    }
  }
}

/** A failure ends the process. */
function run(sql: string): void {
  try {
    for (const _ of rows(sql));
  } catch (error) {
    codeOf(error);
    fatal(`${(error as Error).message}\n${sql}`);
  }
}

/** @returns SQLITE_OK, or the result code of the failure */
function attempt(sql: string): number {
  try {
    for (const _ of rows(sql));
    return 0;
  } catch (error) {
    return codeOf(error);
  }
}

/** Converts a value to text, as sqlite3_column_text does. */
function textOf(value: SqlValue): string {
  if (typeof value !== 'number')
    return value instanceof Uint8Array ? Buffer.from(value).toString() : String(value);
  using statement = db.prepare('SELECT CAST(? AS TEXT) AS text');
  return String(statement.get(value)?.text);
}

function term(value: SqlValue): string {
  if (value === null) return 'nil';
  const text = textOf(value);
  return /^\S+$/.test(text) ? text : `'${text.replaceAll("'", "''")}'`;
}

/** The values of all rows, separated by spaces. */
function evaluate(sql: string): string {
  const terms: string[] = [];
  try {
    for (const row of rows(sql)) terms.push(...row.map(term));
  } catch (error) {
    const code = codeOf(error);
    if (code === BUSY) report(`timeout after ${waits}ms`);
    if (code !== 1 || !ignoresErrors) report(`(errcode=${code}) ${(error as Error).message}`);
    terms.push(`error(${code})`, term((error as Error).message));
  }
  return terms.join(' ');
}

db.function('vfsname', () => 'unix');
db.function('eval', (sql) => {
  const terms: string[] = [];
  for (const row of rows(String(sql))) terms.push(...row.map(term));
  return terms.join(' ');
});

const isSpace = (letter: string | undefined): boolean => letter !== undefined && /^\s$/.test(letter);

/** The length of the next token of a script: spaces and comments, a command with its line, a string, or a word. */
function tokenLength(text: string, at: number): number {
  const rest = text.slice(at, at + 2);
  if (isSpace(rest[0]) || rest === '/*')
    return /^(?:\s|\/\*[\s\S]*?(?:\*\/|$))+/.exec(text.slice(at))?.[0].length ?? 1;
  if (rest === '--') {
    const end = text.indexOf('\n', at);
    return (end < 0 ? text.length : end + 1) - at;
  }
  const quote = rest[0];
  if (quote === '"' || quote === "'") {
    let n = 1;
    for (; at + n < text.length; n++) {
      // The second of two doubled quotes begins another token, which makes no difference here.
      if (text[at + n] === quote) return n + 1;
    }
    return n;
  }
  return 1 + (/^[^\s"';]*/.exec(text.slice(at + 1))?.[0].length ?? 0);
}

/** The end of the task that begins at an offset. */
function taskEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && !/^--end\s/.test(text.slice(at, at + 6))) at += tokenLength(text, at);
  return at;
}

/** The end of the part to skip after an --if that is false, or after an --else. */
function skipTo(text: string, from: number, stopAtElse: boolean): number {
  let at = from;
  while (at < text.length) {
    const next = at + tokenLength(text, at);
    const command = /^--(endif|else|if)\s/.exec(text.slice(at, at + 8))?.[1];
    if (command === 'endif' || (stopAtElse && command === 'else')) return next;
    at = command === 'if' ? skipTo(text, next, false) : next;
  }
  return at;
}

function startClient(client: number): void {
  run(`INSERT OR IGNORE INTO client VALUES(${client},0)`);
  if ([...rows('SELECT changes()')][0]?.[0] === 0n) return;
  const args = [
    file,
    '--client',
    String(client),
    '--trace',
    options.trace,
    ...(options.sync ? ['--sync'] : []),
  ];
  spawn(process.env.MPTEST_START ?? '', args, { stdio: 'inherit' }).unref();
}

/** Waits until the tasks of a client, or of all clients, are done. */
function waitForClient(client: number, most: number, where: string): void {
  const tasks = `SELECT 1 FROM task WHERE ${client > 0 ? `client=${client} AND` : ''}
    client IN (SELECT id FROM client) AND endtime IS NULL`;
  waitForLocks(0);
  let isDone = false;
  for (let left = most; ; left -= 50) {
    try {
      const [task] = rows(tasks);
      isDone = task === undefined;
    } catch (error) {
      if (codeOf(error) !== BUSY) throw error;
      isDone = false;
    }
    if (isDone || left <= 0) break;
    sleep(50);
  }
  waitForLocks(defaultTimeout);
  if (!isDone) report(`${where}timeout waiting for ${client > 0 ? `client ${client}` : 'all clients'}`);
}

function finishTask(client: number, task: number, isLast: boolean): void {
  run(`UPDATE task SET endtime=strftime('%Y-%m-%d %H:%M:%f','now') WHERE id=${task}`);
  if (isLast) run(`DELETE FROM client WHERE id=${client}`);
}

function runScript(client: number, task: number, text: string, path: string): void {
  let at = 0;
  let begin = 0;
  let result = '';
  const say = (message: string): void => {
    if (verbose > 0) log(message);
  };
  while (at < text.length) {
    const length = tokenLength(text, at);
    if (!/^--[a-z]/i.test(text.slice(at, at + 3))) {
      at += length;
      continue;
    }
    if (at > begin) {
      result = [result, evaluate(text.slice(begin, at))].filter((part) => part !== '').join(' ');
    }
    const line = text.slice(at, at + length).replace(/\n$/, '');
    at += length;
    begin = at;
    const where = `line ${text.slice(0, at - length).split('\n').length} of ${path}`;
    const [, command = '', rest = ''] = /^--(\S+)\s*(.*)$/.exec(line) ?? [];
    const [first = '', second] = rest.split(/\s+/);
    switch (command) {
      case 'sleep':
        sleep(Number(first));
        break;
      case 'exit':
        finishTask(client, task, true);
        if (Number(first) === 0) db.close();
        process.exit(Number(first)); // above 0 as in a crash: nothing is closed
        break;
      case 'testcase':
        say(line);
        result = '';
        break;
      case 'finish':
        if (client > 0) finishTask(client, task, true);
        break;
      case 'reset':
        result = '';
        break;
      case 'match':
      case 'glob':
      case 'notglob':
        tests += 1;
        if (!matches(command, rest, result)) report(`${where}:\nExpected [${rest}]\n     Got [${result}]`);
        result = '';
        break;
      case 'output':
        log(result);
        break;
      case 'source':
        source(isAbsolute(first) ? first : join(dirname(path), first));
        break;
      case 'print':
        log(rest);
        break;
      case 'if':
        if (!Number(evaluate(`SELECT ${rest}`))) at = skipTo(text, at, true);
        begin = at;
        break;
      case 'else':
        at = skipTo(text, at, false);
        begin = at;
        break;
      case 'endif':
      case 'breakpoint':
        break;
      case 'start':
        if (client === 0) startClient(Number(first));
        break;
      case 'wait':
        if (client === 0) waitForClient(Number(first) || 0, Number(second ?? defaultTimeout), `${where}\n`);
        break;
      case 'task': {
        const end = taskEnd(text, at);
        const title = second ?? `${basename(path)}:${/\d+/.exec(where)?.[0]}`;
        startClient(Number(first));
        using insert = db.prepare('INSERT INTO task(client,script,name) VALUES(?,?,?)');
        insert.run(Number(first), text.slice(at, end), title);
        at = end + tokenLength(text, end);
        begin = at;
        break;
      }
      case 'show-sql-errors':
        ignoresErrors = !/^(?:[1-9]\d*|on|yes)$/i.test(first);
        break;
      default:
        report(`${where}: unknown command --${command}`);
    }
  }
  if (begin < text.length) run(text.slice(begin));
}

function matches(command: string, wanted: string, found: string): boolean {
  if (command === 'match') return wanted === found;
  using statement = db.prepare('SELECT ? GLOB ? AS is_so');
  return (statement.get(found, wanted)?.is_so === 1) === (command === 'glob');
}

function source(path: string): void {
  if (verbose > 0) log(`begin script [${path}]`);
  runScript(0, 0, readFileSync(path, 'utf8'), path);
  if (verbose > 0) log(`end script [${path}]`);
}

interface Task {
  readonly id: number;
  readonly script: string;
  readonly name: string;
}

/** Waits for the next task. Returns undefined if this client must halt. */
function nextTask(): Task | undefined {
  waitForLocks(0);
  for (let waited = 0; ; ) {
    const code = attempt('BEGIN IMMEDIATE');
    if (code === BUSY) {
      sleep(10);
      waited += 10;
      continue;
    }
    if (code !== 0) fatal(`in startScript: ${code}`);
    if (errors > 0 || tests > 0) run(`UPDATE counters SET nError=nError+${errors}, nTest=nTest+${tests}`);
    errors = 0;
    tests = 0;
    const [halt] = rows(`SELECT 1 FROM client WHERE id=${me} AND wantHalt`);
    const [task] = rows(
      `SELECT id, script, name FROM task WHERE client=${me} AND starttime IS NULL ORDER BY id LIMIT 1`,
    );
    if (halt || task) {
      const change = halt
        ? `DELETE FROM client WHERE id=${me}`
        : `UPDATE task SET starttime=strftime('%Y-%m-%d %H:%M:%f','now') WHERE id=${task?.[0]}`;
      run(change);
      waitForLocks(defaultTimeout);
      run('COMMIT');
      const [number, script, title] = halt ? [] : (task ?? []);
      return number === undefined
        ? undefined
        : { id: Number(number), script: String(script), name: String(title) };
    }
    if (waited > 30_000) {
      report('Waited over 30 seconds with no work.  Giving up.');
      run(`DELETE FROM client WHERE id=${me}; COMMIT;`);
      process.exit(1);
    }
    for (; attempt('COMMIT') === BUSY; waited += 10) sleep(10);
    sleep(100);
    waited += 100;
  }
}

function work(): void {
  if (verbose > 0) log('start-client');
  for (let task = nextTask(); task; task = nextTask()) {
    if (verbose > 0) log(`begin ${task.name} (${task.id})`);
    runScript(me, task.id, task.script, task.name);
    if (verbose > 0) log(`end ${task.name} (${task.id})`);
    finishTask(me, task.id, false);
    sleep(10);
  }
  if (verbose > 0) log('end-client');
}

function supervise(): void {
  run(`DROP TABLE IF EXISTS task; DROP TABLE IF EXISTS counters; DROP TABLE IF EXISTS client;
    CREATE TABLE task(id INTEGER PRIMARY KEY, name TEXT, client INTEGER, starttime DATE, endtime DATE, script TEXT);
    CREATE INDEX task_i1 ON task(client, starttime);
    CREATE INDEX task_i2 ON task(client, endtime);
    CREATE TABLE counters(nError,nTest);
    INSERT INTO counters VALUES(0,0);
    CREATE TABLE client(id INTEGER PRIMARY KEY, wantHalt);`);
  source(scriptFile ?? '');
  waitForClient(0, 2000, 'during shutdown...\n');
  run('UPDATE client SET wantHalt=1');
  // The clients end when they next look for work, and then report their counts.
  for (let i = 0; i < 500 && [...rows('SELECT 1 FROM client')].length > 0; i++) sleep(10);
  const [counts = []] = rows('SELECT nError, nTest FROM counters');
  errors += Number(counts[0]);
  tests += Number(counts[1]);
  db.close();
  writeSync(1, `Summary: ${errors} errors out of ${tests} tests\n`);
}

if (options.journalmode !== undefined) run(`PRAGMA journal_mode='${options.journalmode}'`);
if (!options.sync) attempt('PRAGMA synchronous=OFF');
waitForLocks(defaultTimeout);
if (me > 0) work();
else supervise();
if (db.isOpen) db.close();
process.exitCode = errors > 0 ? 1 : 0;
