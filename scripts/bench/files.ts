/** Database files, against C and `node:sqlite`. */

import { compare } from './programs.js';

export function run(): void {
  compare('Files, synchronous=FULL', 'files', {
    insert: '100,000 inserts, one transaction',
    get: '100,000 reads by key, one transaction',
    autocommitGet: '10,000 reads by key, each its own',
    commit: '200 inserts, each its own',
    walInsert: 'WAL: 100,000 inserts, one transaction',
    walGet: 'WAL: 10,000 reads by key, each its own',
    walCommit: 'WAL: 200 inserts, each its own',
  });
}
