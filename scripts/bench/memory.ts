/** Statements in memory, against C and `node:sqlite`. */

import { compare } from './programs.js';

export function run(): void {
  compare('Statements in memory', 'memory', {
    insert: '100,000 inserts, one transaction',
    get: '100,000 reads by key',
    all: 'all of 100,000 rows',
    iterate: 'one by one',
  });
}
