/** Records changes that another program made to the file of a copy as a transaction. It finds them by a diff. */

import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { connectionOf } from '../api/connections.js';
import { DatabaseSync } from '../api/database.js';
import { writeTransaction } from '../api/write-transaction.js';
import { ChangesetReader } from '../changeset/reader.js';
import type { Connection } from '../kernel/connection.js';
import { numberPragma, query, quotedName } from '../kernel/query.js';
import { decodeCapture, encodeCapture } from '../recording/capture-format.js';
import { collatedKeyChanges } from '../recording/collated-keys.js';
import { travels } from './allowed.js';
import { replicaError } from './errors.js';
import { refuseRows } from './found.js';
import { fullTextTables } from './fulltext.js';
import { rebuild } from './history.js';
import type { Log } from './log.js';
import { changeCounter } from './ownership.js';
import { comparePosition } from './position.js';
import { applyExactly, verbatim } from './rebase.js';
import { SchemaFacts } from './schema.js';
import { type LocalTransaction, StateTables } from './state.js';

/** The result of {@link adoptChanges}. */
export interface Adopted {
  /** The UUID of the transaction; undefined if no row differs. */
  readonly id: string | undefined;
  /** How many rows the transaction inserts, updates or deletes. */
  readonly changes: number;
}

/**
 * Compares the file of a copy, to which another program wrote, with the state of the history at the copy's position,
 * and stores the difference as a pending transaction. No replica may have the file open.
 *
 * @throws ReplicaError `not-a-copy`; `schema` if the schema was changed; `unrecordable` if a changed table has no
 *   primary key; `missing` if the log no longer has what is needed to rebuild that state; the errors of
 *   `comparePosition`
 */
export async function adoptChanges(
  path: string,
  log: Log,
  progress: (done: number, total: number) => void = () => {},
): Promise<Adopted> {
  const database = new DatabaseSync(path, { timeout: 5000 });
  const base = `${path}-base-${randomUUID()}`;
  const tables = new StateTables(database);
  try {
    if (!tables.exist()) throw replicaError('not-a-copy', `${path} is not a copy of a history`);
    const state = tables.read();
    await comparePosition(log, state);
    const chance = { now: () => Date.now(), uuid: () => randomUUID() };
    const rebuilt = await rebuild(log, base, state.sequence, chance, progress);
    try {
      doAgain(connectionOf(rebuilt), tables.pending());
      refuseSchema(connectionOf(rebuilt), connectionOf(database));
    } finally {
      rebuilt.close();
    }
    return adopt(database, tables, base);
  } finally {
    tables.close();
    database.close();
    for (const end of ['', '-journal', '-wal', '-shm']) rmSync(base + end, { force: true });
  }
}

/** Applies the pending transactions to a database that has the state of the history. */
function doAgain(connection: Connection, pending: readonly LocalTransaction[]): void {
  verbatim(connection, () => {
    for (const { id, changes } of pending)
      applyExactly(connection, decodeCapture(changes), `transaction ${id}`);
  });
}

function refuseSchema(base: Connection, own: Connection): void {
  if (new SchemaFacts(base).digest !== new SchemaFacts(own).digest) {
    throw replicaError(
      'schema',
      'the schema was changed too, and schema changes cannot be adopted: change the schema back, or make a new copy from a snapshot',
    );
  }
  for (const name of ['user_version', 'application_id']) {
    const [was, is] = [base, own].map((connection) => numberPragma(connection, 'main', name));
    if (was === is) continue;
    throw replicaError(
      'schema',
      `PRAGMA ${name} was changed from ${was} to ${is}, and this change cannot be adopted: change it back`,
    );
  }
}

function adopt(database: DatabaseSync, tables: StateTables, base: string): Adopted {
  const connection = connectionOf(database);
  database.prepare('ATTACH ? AS replica_base').run(base);
  return writeTransaction(database, () => {
    refuseRows(database);
    const bytes = difference(database);
    let changes = 0;
    const reader = new ChangesetReader(bytes);
    while (reader.next()) changes += 1;
    const counter = changeCounter(connection) + 1;
    const id = changes === 0 ? undefined : randomUUID();
    if (id !== undefined) {
      const capture = encodeCapture([{ kind: 'changeset', bytes }]);
      const number = tables.lastNumber() + 1;
      tables.add({ number, id, time: Date.now(), call: undefined, changes: capture });
    }
    tables.own(tables.read().copy, randomUUID());
    tables.count(counter);
    return { id, changes };
  });
}

/** The changeset that turns the attached database `replica_base` into the main database. */
function difference(database: DatabaseSync): Uint8Array {
  const connection = connectionOf(database);
  const facts = new SchemaFacts(connection);
  using session = database.createSession({ tables: [] });
  const names = query(
    connection,
    "SELECT name FROM pragma_table_list WHERE schema='main' AND type='table' ORDER BY name",
  ).map(([name]) => String(name));
  for (const table of names.filter(travels)) {
    if (facts.of(table).hasKey) session.diff('replica_base', table);
    else if (differs(connection, table)) {
      throw replicaError(
        'unrecordable',
        `${table} was changed but has no PRIMARY KEY, which must identify its rows in other copies`,
      );
    }
  }
  for (const fullText of fullTextTables(connection)) session.diff('replica_base', `${fullText}_content`);
  const bytes = facts.kept.logical(session.changeset());
  const [spelled] = collatedKeyChanges(bytes, (table) => facts.of(table).hasCollatedKey);
  if (spelled === undefined) return bytes;
  throw replicaError(
    'unrecordable',
    `a key of ${spelled} was changed to one that its collation treats as equal`,
  );
}

function differs(connection: Connection, table: string): boolean {
  const [own, base] = ['main', 'replica_base'].map((schema) => `${schema}.${quotedName(table)}`);
  const found = query(
    connection,
    `SELECT 1 FROM (SELECT count(*) FROM ${own} EXCEPT SELECT count(*) FROM ${base}) UNION ALL
       SELECT 1 FROM (SELECT * FROM ${own} EXCEPT SELECT * FROM ${base}) UNION ALL
       SELECT 1 FROM (SELECT * FROM ${base} EXCEPT SELECT * FROM ${own}) LIMIT 1`,
  );
  return found.length > 0;
}
