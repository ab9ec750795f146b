/** The shell on a terminal, typed into through tmux. */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testFolder } from '../kit/folder.js';
import { program } from '../kit/program.js';

const present = spawnSync('tmux', ['-V']).status === 0;
if (!present) console.error('no tmux: the tests of the terminal are skipped');

let folder = '';
let socket = '';
let typedLines = 0;

function tmux(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync('tmux', ['-L', socket, '-f', '/dev/null', ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...process.env, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8' },
  });
  if (status !== 0) throw new Error(`tmux ${args[0]}: ${stderr}`);
  return stdout;
}

const screen = (): string => tmux('capture-pane', '-p', '-S', '-200').trimEnd();

/** Types text; "\n" presses Enter. */
function type(text: string): void {
  text.split('\n').forEach((line, index) => {
    if (index > 0) tmux('send-keys', 'Enter');
    if (line !== '') tmux('send-keys', '-l', line.replace(/;$/, '\\;'));
  });
}

const press = (...keys: string[]): string => tmux('send-keys', ...keys);

/** Waits until the screen matches. */
async function shows(pattern: RegExp, timeout = 10_000): Promise<string> {
  const end = Date.now() + timeout;
  for (;;) {
    const text = screen();
    if (pattern.test(text)) return text;
    if (Date.now() > end) throw new Error(`the screen never matched ${pattern}:\n${text}`);
    await sleep(20);
  }
}

/** Runs a statement to check that the prompt works and all earlier input is done. */
async function settled(): Promise<string> {
  typedLines += 1;
  const mark = `mark${typedLines}`;
  type(`.print ${mark}\n`);
  const text = await shows(new RegExp(`^${mark}\\nsqlite>`, 'm'));
  // The text was typed while the previous statement was running, so it appears before its output.
  return text.replace(new RegExp(`^\\.print ${mark}(?=.)`, 'gm'), '');
}

const start = (): void =>
  type(`SQLITE_HISTORY='${folder}/history' '${process.execPath}' '${program}' data.db; echo left with $?\n`);

beforeEach(async () => {
  folder = testFolder('terminal');
  socket = `terminal-${process.pid}-${folder.slice(-6)}`;
  tmux('new-session', '-d', '-x', '100', '-y', '60', 'env', 'PS1=$ ', 'HISTFILE=', 'sh');
  start();
  await shows(/^sqlite>/m, 20_000);
});
afterEach(() => {
  tmux('kill-server');
});

const history = (): string[] => readFileSync(join(folder, 'history'), 'utf8').trimEnd().split('\n');

test.skipIf(!present).each([
  ['new-extension --help', 'the world of the extension:\n                       minimal, stateful,'],
  [
    'changeset --help',
    '  capture   Run SQL on a database and write its\n            changes as a changeset. With --ddl, it',
  ],
  ['replica run --help', '  --user NAME\n      the user; the password is in\n'],
  [
    '--help',
    '   --allow-sql[=ro]     let components run SQL\n                        (=ro: only SQL that reads)',
  ],
])('help is broken between words on a narrow terminal: %s', async (args, part) => {
  const command = `${process.execPath} ${program} ${args}; sleep 60`;
  tmux('new-session', '-d', '-s', 'narrow', '-x', '50', '-y', '200', command);
  await expect.poll(() => tmux('capture-pane', '-p', '-t', 'narrow'), { timeout: 10_000 }).toContain(part);
});

describe.skipIf(!present)('on a terminal', () => {
  test('a statement of several lines, its output as a box, and the history of whole statements', async () => {
    type("SELECT 'one\ntwo' AS text,\n  (2\n+ 3) AS five;\n");
    const first = await shows(/two +│ +│\n╰/);
    expect(first).toContain("'  ...> two' AS text,");
    expect(first).toContain('(x1...> + 3) AS five;');
    press('Up', 'Enter');
    await shows(/(?:five[\s\S]*╰[\s\S]*){2}sqlite>$/);
    expect(screen().match(/│ one +│ +5 │/g)).toHaveLength(2);
    type('SELECT 6;\n');
    await settled();
    press('C-d');
    await shows(/left with 0/);
    expect(history()).toEqual([
      "\\SELECT 'one\\ntwo' AS text,\\n  (2\\n+ 3) AS five;",
      'SELECT 6;',
      `.print mark${typedLines}`,
    ]);
  });

  test('history comes back in the next session', async () => {
    press('C-d');
    await shows(/left with 0/);
    writeFileSync(join(folder, 'history'), "\\SELECT 'a\\\\nb',\\n41+1;\n.print older\n");
    start();
    await shows(/sqlite>$/);
    press('Up', 'Down', 'Up', 'Up', 'Up', 'Enter');
    expect(await settled()).toMatch(/│ a\\nb +│ +42 │/);
  });

  test('Tab completes keywords, tables, columns, dot-commands and files', async () => {
    type('CREATE TABLE airports(iata_code);\n');
    await settled();
    type('SELE');
    press('Tab');
    await shows(/SELECT$/);
    type(' iata');
    press('Tab');
    await shows(/SELECT iata_code$/);
    type(' FROM airp');
    press('Tab');
    await shows(/FROM airports$/);
    press('C-c');
    type('.tab');
    press('Tab');
    await shows(/\.tables$/);
    press('C-c');
    type('.open dat');
    press('Tab');
    await shows(/\.open data\.db$/);
  });

  test('Ctrl-C interrupts a statement; the next one works', async () => {
    type('WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c;\n');
    await sleep(700);
    press('C-c');
    await shows(/interrupted/);
    type('SELECT 6*7;\n');
    await shows(/│ +42 │/);
    // An end of input right after an interrupt also counts.
    type('WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c;\n');
    await sleep(700);
    press('C-c');
    await shows(/(?:interrupted[\s\S]*){2}sqlite>$/);
    press('C-d');
    await shows(/left with 1/);
  });

  test('results are as wide as the terminal, also after it was resized', async () => {
    const widest = (): number =>
      Math.max(
        ...tmux('capture-pane', '-p')
          .split('\n')
          .map((line) => [...line.trimEnd()].length),
      );
    const resize = async (columns: number): Promise<void> => {
      tmux('resize-window', '-x', `${columns}`, '-y', '60');
      await sleep(300);
      type('.system clear\n');
      await shows(/^sqlite>$/);
    };
    for (const columns of [50, 200, 50]) {
      await resize(columns);
      type("SELECT printf('%0170d', 1) AS digits, 2 AS n;\n");
      const text = await shows(/╯\nsqlite>$/);
      expect(widest()).toBe(columns === 50 ? 50 : 180);
      expect(text.match(/^│/gm)).toHaveLength(columns === 50 ? 5 : 2);
    }
    // Without line editing the shell prints the prompt itself.
    press('C-d');
    await shows(/left with 0/);
    type(
      `clear; '${process.execPath}' '${program}' :memory: '.mode box' "SELECT 'a b ' || hex(zeroblob(60))" </dev/null\n`,
    );
    await shows(/╯\n\$$/);
    expect(widest()).toBe(50);
  });

  test('Ctrl-C while rows are printed stops that, and keeps the connection', async () => {
    type('.open :memory:\nCREATE TABLE t(a PRIMARY KEY, b); INSERT INTO t VALUES(1, 2);\n');
    type('.session open main s\n.session s attach t\nCREATE TEMP TABLE kept AS SELECT 7;\n');
    type('BEGIN; UPDATE t SET b=3;\n');
    await settled();
    const select = 'SELECT value, hex(value) FROM generate_series(1,3000000);\n';
    for (const mode of ['box', 'list']) {
      type(`.mode ${mode}\n${select}`);
      await shows(mode === 'box' ? /│ +\d+ │ \w+ +│/ : /^\d+\|\w+$/m, 30_000);
      press('C-c');
      await shows(/\n(?:Error[^\n]*interrupted\n)?sqlite>$/, 10_000);
      expect(screen()).not.toContain('3000000|');
      press('C-l');
    }
    type(
      '.mode list\n.session list\n.print\nSELECT b, (SELECT * FROM kept) FROM t;\nROLLBACK;\nSELECT b FROM t;\n',
    );
    expect(await settled()).toMatch(/0 s\n[\s\S]*\b3\|7\n[\s\S]*\b2\nsqlite>/);
  }, 60_000);

  test('Ctrl-C ends the wait for a lock', async () => {
    type('CREATE TABLE t(a);\nCREATE TEMP TABLE kept AS SELECT 7;\n.timeout 60000\n.mode list\n');
    await settled();
    using held = new DatabaseSync(join(folder, 'data.db'));
    held.exec('BEGIN EXCLUSIVE');
    type('INSERT INTO t VALUES(1);\n');
    await sleep(500);
    press('C-c');
    await shows(/(?:locked|interrupted)[^\n]*\nsqlite>$/);
    held.exec('ROLLBACK');
    type('INSERT INTO t SELECT * FROM kept; SELECT a FROM t;\n');
    expect(await settled()).toMatch(/^7$/m);
  });

  test('Ctrl-C ends a copy of a database, and keeps the connection', async () => {
    type('CREATE TABLE t(a INTEGER PRIMARY KEY, b);\n.mode list\nPRAGMA journal_mode=off;\n');
    type('INSERT INTO t SELECT value, zeroblob(1000000) FROM generate_series(1,600);\n');
    type('CREATE TEMP TABLE kept AS SELECT 7;\nPRAGMA synchronous=off;\n');
    await settled();
    for (const command of [
      '.backup copy.db',
      '.save copy.db',
      '.clone clone.db',
      'VACUUM INTO "copy.db";',
      '.recover',
    ]) {
      type('.system clear; rm -f copy.db clone.db\n');
      await settled();
      type(`${command}\n`);
      await sleep(300);
      press('C-c');
      await shows(/(?:interrupted|backwards)[\s\S]*sqlite>$/);
    }
    // A copy that was interrupted leaves the target as it was.
    type('.system clear; rm -f copy.db\nATTACH "copy.db" AS c; CREATE TABLE c.old AS SELECT 8; DETACH c;\n');
    await settled();
    type('.backup copy.db\n');
    await sleep(300);
    press('C-c');
    await shows(/interrupted\nsqlite>$/);
    type('ATTACH "copy.db" AS c; SELECT (SELECT * FROM kept) || (SELECT * FROM c.old) || count(*) FROM t;\n');
    expect(await settled()).toMatch(/^78600$/m);
  }, 90_000);

  test('Ctrl-C drops a half-typed statement', async () => {
    type("SELECT 'never,\n(");
    press('C-c');
    await shows(/\^C\nsqlite>$/);
    type('SELECT 5');
    press('C-c');
    type('SELECT 6;\n');
    const text = await settled();
    expect(text).toMatch(/│ 6 │/);
    expect(text).not.toMatch(/rror/);
    expect(history()[0]).toBe('SELECT 6;');
  });

  test('text that is typed ahead waits for its prompt', async () => {
    type('SELECT 1; -- comment\nSELECT 2;\n.print three\n');
    expect(await shows(/three\nsqlite>$/)).toMatch(
      /│ 1 │[\s\S]*sqlite> SELECT 2;[\s\S]*│ 2 │[\s\S]*\nthree\n/,
    );
  });

  test('a command can use the terminal, which is restored at the end', async () => {
    type('.system cat\n');
    await sleep(500);
    type('to cat\n');
    await shows(/to cat\nto cat/);
    press('C-d');
    await settled();
    type('.exit 7\n');
    await shows(/left with 7/);
    type('stty -a\n');
    expect(await shows(/icanon/)).toMatch(/ icanon[\s\S]* echo /);
  });

  test('SQL in the arguments is run, and then the shell exits', async () => {
    press('C-d');
    await shows(/left with 0/);
    type(`clear; '${process.execPath}' '${program}' :memory: 'SELECT 7' && echo done\n`);
    await shows(/7\s*│[\s\S]*done|^7\ndone/m);
  });
});
