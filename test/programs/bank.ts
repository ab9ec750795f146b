/**
 * One process of the bank test, see bank-run.ts:
 *
 *     bank.ts FILE write ID UNTIL    moves money, counts each commit in the bank and appends a byte to FILE.ID after it
 *     bank.ts FILE read ID UNTIL     reads the bank until UNTIL (ms since 1970)
 *
 * JOURNAL, the journal mode of the database, may follow; the default is wal. Prints a line of JSON with the counts and
 * the errors.
 */

import { openSync, writeSync } from 'node:fs';
import { Connection } from './connection.js';

const [file = '', role = '', id = '', until = '0', journal = 'wal'] = process.argv.slice(2);
const connection = new Connection(file, { timeout: 60_000 });
connection.exec(`PRAGMA journal_mode=${journal}; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=150`);
const random = (below: number): number => Math.floor(Math.random() * below);
let done = 0;
let wrong = 0;

if (role === 'write') {
  const acknowledged = openSync(`${file}.${id}`, 'a');
  console.log('begun');
  while (Date.now() < Number(until)) {
    const amount = random(100);
    connection.exec(`BEGIN IMMEDIATE;
      UPDATE account SET n=n-${amount} WHERE id=${random(100)};
      UPDATE account SET n=n+${amount} WHERE id=${random(100)};
      UPDATE writer SET n=n+1 WHERE id=${id};
      UPDATE counter SET n=n+1; COMMIT`);
    writeSync(acknowledged, '.');
    done += 1;
    if (done % 100 === 0) {
      const kind = ['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE'][random(4)];
      connection.exec(`PRAGMA wal_checkpoint(${kind})`);
    }
  }
} else {
  while (Date.now() < Number(until)) {
    connection.exec('BEGIN');
    const before = connection.value('SELECT n FROM counter');
    if (connection.value('SELECT sum(n) FROM account') !== 0) wrong += 1;
    if (connection.value('SELECT sum(n) FROM writer') !== before) wrong += 1;
    if (connection.value('SELECT n FROM counter') !== before) wrong += 1;
    connection.exec('COMMIT');
    done += 1;
  }
}
connection.close();
console.log(JSON.stringify({ done, wrong }));
