/** `sqlite-wasm-run changeset` on a terminal, through tmux: colors, progress, the daemon's status line. */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testFolder } from '../kit/folder.js';
import { program } from '../kit/program.js';

const present = spawnSync('tmux', ['-V']).status === 0;
if (!present) console.error('no tmux: the tests of commands on a terminal are skipped');

let folder: string;
let socket: string;

function tmux(...args: string[]): string {
  const { stdout } = spawnSync('tmux', ['-L', socket, '-f', '/dev/null', ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...process.env, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8', NO_COLOR: undefined },
  });
  return stdout;
}

/** Waits until the screen matches, with its colors as `<32m` if `escapes`. */
async function shows(pattern: RegExp, escapes = false): Promise<string> {
  const end = Date.now() + 20_000;
  for (;;) {
    const text = tmux('capture-pane', '-p', ...(escapes ? ['-e'] : []))
      .replaceAll('\u001b[', '<')
      .trimEnd();
    if (pattern.test(text)) return text;
    if (Date.now() > end) throw new Error(`the screen never matched ${pattern}:\n${text}`);
    await sleep(20);
  }
}

const type = (line: string): void => {
  tmux('send-keys', '-l', line.replace(/;$/, '\\;'));
  tmux('send-keys', 'Enter');
};

beforeEach(async () => {
  folder = testFolder('cli-terminal');
  socket = `cli-terminal-${process.pid}-${folder.slice(-6)}`;
  writeFileSync(join(folder, 'run'), `#!/bin/sh\nexec '${process.execPath}' '${program}' changeset "$@"\n`, {
    mode: 0o755,
  });
  const db = new DatabaseSync(join(folder, 'a.db'));
  db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1,'one'),(2,'two')");
  const session = db.createSession();
  db.exec("UPDATE t SET v='new' WHERE id=1; DELETE FROM t WHERE id=2; INSERT INTO t VALUES(3,'three')");
  writeFileSync(join(folder, 'a.cs'), session.changeset());
  db.close();
  tmux('new-session', '-d', '-x', '120', '-y', '30', 'env', 'PS1=$ ', 'HISTFILE=', 'sh');
  await shows(/^\$/);
});
afterEach(() => {
  tmux('kill-server');
});

describe.skipIf(!present)('on a terminal', () => {
  test('show has colors, unless NO_COLOR or --color say otherwise', async () => {
    const colored = /<33m~ c1=1 .*<31m- c1=2.*<32m\+ c1=3/s;
    type('clear; ./run show a.cs; echo done');
    expect(await shows(/done\n[^\n]*\$/, true)).toMatch(colored);
    type(
      'clear; NO_COLOR=1 ./run show a.cs; ./run show --color never a.cs; TERM=dumb ./run show a.cs; echo done',
    );
    const plain = await shows(/done\n[^\n]*\$/, true);
    expect(plain).not.toMatch(/<3[123]m/);
    expect(plain.match(/\+ c1=3/g)).toHaveLength(3);
    type('clear; ./run show --color always a.cs | cat; echo done');
    expect(await shows(/<3.*done\n[^\n]*\$/s, true)).toMatch(colored);
  });
  test('a changeset is not written to a terminal', async () => {
    type('clear; ./run invert a.cs; echo left with $?');
    expect(await shows(/^left with 2/m)).toContain(
      'a changeset cannot be written to a terminal: name a file with -o',
    );
  });
  test('long work shows its progress, and removes it at the end', async () => {
    const db = new DatabaseSync(join(folder, 'big.db'));
    db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v)');
    const session = db.createSession();
    db.exec(`WITH RECURSIVE c(i) AS (SELECT 10 UNION ALL SELECT i+1 FROM c WHERE i<600000)
      INSERT INTO t SELECT i, hex(i) FROM c`);
    writeFileSync(join(folder, 'big.cs'), session.changeset());
    db.close();
    type('clear; ./run apply --db a.db big.cs');
    await shows(/^applying +\[#+\.+\] +\d+% +\d+\.\d MB of \d+\.\d MB +\d+ s$/m);
    expect(await shows(/rows changed\n\$$/)).toMatch(
      /^\$? ?[^\n]*\n?t: 599991 inserted, 0 updated, 0 deleted\n599991 rows changed\n\$$/,
    );
    // Read slowly, so that it takes long on any machine.
    type('clear; ./run show big.cs | (sleep 1; head -c 1000000; sleep 1; cat) > out; echo left with $?');
    await shows(/^printing +\[#+\.*\] +\d+%/m);
    expect(await shows(/^left with/m)).toMatch(/^(?:\$ [^\n]*\n)?left with 0\n\$$/);
    const lines = readFileSync(join(folder, 'out'), 'utf8').split('\n');
    expect(lines).toHaveLength(599_993);
    expect(lines.find((line) => !/^(?:t| {2}\+ c1=\d+, c2='\d+'|)$/.test(line))).toBe(undefined);
  });
  test('a long statement shows its time, and can be interrupted', async () => {
    writeFileSync(
      join(folder, 's.sql'),
      'INSERT INTO t VALUES(5,5);\nWITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c) SELECT count(*) FROM c;',
    );
    type('clear; ./run capture --db a.db --script s.sql -o o; echo left with $?');
    await shows(/^running s\.sql .* {2}1 s$/m);
    tmux('send-keys', 'C-c');
    expect(await shows(/^left with 130/m)).toContain(
      's.sql, line 2: interrupted; the changes committed before the error',
    );
    expect(spawnSync(join(folder, 'run'), ['show', join(folder, 'o')], { encoding: 'utf8' }).stdout).toBe(
      't\n  + c1=5, c2=5\n',
    );
  });
  test('the daemon’s status line, and its end at Ctrl-C', async () => {
    type('clear; ./run daemon --db a.db --socket s -o d.cs; echo left with $?');
    await shows(/^listening on s; 0 transactions captured$/m);
    tmux('split-window', '-v', 'env', 'PS1=% ', 'HISTFILE=', 'sh');
    const say = `const s = require('net').connect('s', () => s.end('INSERT INTO t VALUES(7,7);UPDATE t SET v=1;')); s.resume()`;
    type(`'${process.execPath}' -e "${say}"; exit`);
    expect(await shows(/^2 transactions captured: t \+1 ~3 -0$/m)).not.toContain('1 transaction captured');
    tmux('send-keys', 'C-c');
    expect(await shows(/^left with 0/m)).toMatch(/^d\.cs: a changeset of \d+ bytes$/m);
    expect(await shows(/^left with 0/m)).not.toContain('2 transactions');
  });
});
