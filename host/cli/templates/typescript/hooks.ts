/** Rolls back a transaction that changes more than a thousand rows, as a guard against a forgotten WHERE. */

import logging from 'sqlite:extension/logging@CONTRACT_VERSION';
import type { Functions } from './types/hooks.js';

const mostRows = 1000;
let changed = 0;

export const hooks: Functions = {
  describe: () => ({ update: true, commit: true, rollback: true }),

  onUpdate() {
    changed += 1;
  },

  onCommit() {
    if (changed <= mostRows) {
      changed = 0;
      return true;
    }
    logging.log('warning', `more than ${mostRows} rows were changed: the transaction is rolled back`);
    return false; // SQLite then calls onRollback
  },

  onRollback() {
    changed = 0;
  },

  onWal() {}, // never called, because `describe` does not name it
};
