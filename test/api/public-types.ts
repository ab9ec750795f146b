/** Code that uses the public types. It is compiled but not run, and `npm run check` fails if it does not compile. */

import {
  type ApplyChangesetOptions,
  type Change,
  Changeset,
  ChangesetGroup,
  type CreateSessionOptions,
  DatabaseSync,
  type DatabaseSyncOptions,
  type SQLInputValue,
  type SQLOutputValue,
  type SqlValue,
  type StatementColumnMetadata,
  type StatementResultingChanges,
  StatementSync,
} from 'sqlite-wasm-run';
import { changes, Group, invert } from 'sqlite-wasm-run/changeset';

export async function uses(url: string): Promise<void> {
  const options: DatabaseSyncOptions = { readOnly: false };
  const session: CreateSessionOptions = { table: 't' };
  const apply: ApplyChangesetOptions = { filter: (table) => table === 't' };
  const input: SQLInputValue = 1n;
  const output: SQLOutputValue = null;
  const db = new DatabaseSync(':memory:', options);
  const statement = db.prepare('SELECT ?');
  const columns: StatementColumnMetadata[] = statement.columns();
  const result: StatementResultingChanges = statement.run(input);
  const bytes = db.createSession(session).changeset();
  await fetch(url, { method: 'POST', body: bytes });
  await crypto.subtle.digest('SHA-256', invert(bytes));
  const group = new Group();
  for (const change of changes(bytes)) group.addChange(change);
  const both: Change[] = [...changes(bytes), ...new Changeset(bytes)];
  for (const change of both) group.addChange(change);
  const engines = new ChangesetGroup();
  for (const change of both) engines.addChange(change);
  const values: SqlValue[] = [output];
  db.applyChangeset(bytes, apply);
  // @ts-expect-error: only a database makes statements
  new StatementSync();
  console.log(new Blob([bytes, group.output()]), columns, result, values);
}
