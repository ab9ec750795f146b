/** Rows of tables whose name begins with log_ can be inserted but not changed. Columns named password read as NULL. */

import type { Functions } from './types/authorizer.js';

/** https://www.sqlite.org/c3ref/c_alter_table.html */
const actions = { delete: 9, dropTable: 11, read: 20, update: 23, alterTable: 26 };

const isLog = (table: string | null | undefined): boolean => /^log_/i.test(table ?? '');

export const authorizer: Functions = {
  authorize(action, first, second) {
    switch (action) {
      case actions.read: // the table, then the column
        return /^password$/i.test(second ?? '') ? 'ignore' : 'allow';
      case actions.delete:
      case actions.update:
      case actions.dropTable: // the table
        return isLog(first) ? 'deny' : 'allow';
      case actions.alterTable: // the database, then the table
        return isLog(second) ? 'deny' : 'allow';
      default:
        return 'allow';
    }
  },
};
