/** Statements that control a transaction, read as SQLite itself reads them: its authorizer names the savepoint. */

import { constants, DatabaseSync } from 'sqlite-wasm-run';
import { expect, test } from 'vitest';
import { controlOf } from '../../host/kernel/tokens.js';

test.each([
  'COMMIT',
  'end transaction',
  '/* a */ ;; -- b\n rollback;',
  'ROLLBACK TRANSACTION',
  '\ufeffSAVEPOINT a',
  'savepoint "a ""b"" TO c";',
  'SAVEPOINT [to]',
  "savepoint 'it''s'",
  'RELEASE a; COMMIT',
  'RELEASE SAVEPOINT a',
  'release/**/savepoint--x\n`B`',
  'RELEASE "savepoint"',
  'ROLLBACK TO a',
  'rollback transaction to savepoint A -- to b',
  'ROLLBACK TO "to"',
])('%j', (sql) => {
  const seen: (string | null)[][] = [];
  using db = new DatabaseSync(':memory:');
  db.setAuthorizer((action, ...texts) => {
    if (action === constants.SQLITE_TRANSACTION) seen.push(texts.slice(0, 1));
    if (action === constants.SQLITE_SAVEPOINT) seen.push(texts.slice(0, 2));
    return constants.SQLITE_OK;
  });
  db.prepare(sql);
  const [[does, savepoint] = []] = seen;
  const verbs: Record<string, string[]> = {
    BEGIN: ['savepoint'],
    COMMIT: ['commit', 'end'],
    RELEASE: ['release'],
    ROLLBACK: ['rollback'],
  };
  const read = controlOf(sql);
  expect(verbs[does ?? '']).toContain(read?.verb);
  expect(read?.savepoint).toBe(savepoint?.toLowerCase());
});

test.each(['SELECT 1', 'BEGIN', 'commits', '"commit"', 'EXPLAIN COMMIT', '', ';'])(
  '%j controls nothing',
  (sql) => {
    expect(controlOf(sql)).toBeUndefined();
  },
);
