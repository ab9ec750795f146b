/**
 * Makes sessions and statements without closing them, for the suites of scripts/reliability:
 *
 *     node --expose-gc forgotten.ts DIST sessions CONNECTIONS OF-EACH
 *     node --expose-gc forgotten.ts DIST statements COUNT ROUNDS
 *
 * Prints JSON: the core's memory and that of Node, in bytes, after each tenth.
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [dist = '', what = '', first = '0', second = '0'] = process.argv.slice(2);
const load = (name: string): Promise<unknown> => import(pathToFileURL(join(dist, name)).href);
const { DatabaseSync } = (await load('index.js')) as typeof import('sqlite-wasm-run');
const { engine } = (await load('internals.js')) as typeof import('../../host/internals.js');

const core: number[] = [];
const heap: number[] = [];
async function collect(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await new Promise(setImmediate);
  }
}
async function measure(): Promise<void> {
  await collect();
  core.push(engine().core.c.memory.buffer.byteLength);
  heap.push(process.memoryUsage().heapUsed);
}

const [count, each] = [Number(first), Number(second)];
const tenth = Math.max(1, Math.floor(count / 10));
if (what === 'sessions') {
  for (let i = 1; i <= count; i++) {
    const db = new DatabaseSync(':memory:');
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(1, 0)');
    for (let j = 0; j < each; j++) {
      db.createSession();
      if (j % 10 === 9) db.exec('UPDATE t SET b=b+1');
    }
    // Every other connection is not closed either.
    if (i % 2) db.close();
    // Node does not count the core's memory, so it may collect garbage too late. That would hide leaks.
    if (i % 50 === 0) await collect();
    if (i % tenth === 0) await measure();
  }
} else {
  const db = new DatabaseSync(':memory:');
  for (let i = 1; i <= count; i++) {
    db.prepare(`SELECT ${i % each} AS n`).get();
    if (i % 1000 === 0) await new Promise(setImmediate);
    if (i % tenth === 0) await measure();
  }
}
console.log(JSON.stringify({ core, heap }));
