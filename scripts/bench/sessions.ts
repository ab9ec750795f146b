/** Capture, changeset and apply, against C and `node:sqlite`. */

import { compare } from './programs.js';

export function run(): void {
  compare('Sessions, 100,000 inserts and 100,000 updates', 'sessions', {
    plain: 'without a session',
    captured: 'with a session',
    changeset: 'changeset',
    apply: 'apply to a table of 100,000 rows',
  });
}
