/**
 * Runs statements on a database in its own process:
 *
 *     statements.ts FILE TIMEOUT STATEMENT...
 *
 * `.repeat N SQL` runs it N times, `.value SQL` prints one value, `.kill` ends the process as a crash would, `.wait`
 * prints "ready" and waits for the end of input. Prints an error as "CODE MESSAGE" and continues.
 */

import { readSync } from 'node:fs';
import { SqliteError } from '../../host/core/errors.js';
import { Connection } from './connection.js';

const [file = '', timeout = '0', ...statements] = process.argv.slice(2);
const connection = new Connection(file, { timeout: Number(timeout) });

function run(statement: string): void {
  const [, command, rest = ''] = /^\.(\w+) ?(.*)$/s.exec(statement) ?? [];
  if (command === 'repeat') {
    const [, count = '', sql = ''] = /^(\d+) (.*)$/s.exec(rest) ?? [];
    for (let i = 0; i < Number(count); i++) connection.exec(sql);
  } else if (command === 'value') {
    console.log(connection.value(rest));
  } else if (command === 'kill') {
    process.kill(process.pid, 'SIGKILL');
  } else if (command === 'wait') {
    console.log('ready');
    readSync(0, Buffer.alloc(1));
  } else {
    connection.exec(statement);
  }
}

for (const statement of statements) {
  try {
    run(statement);
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
    console.log(`${error.errcode} ${error.message}`);
  }
}
connection.close();
