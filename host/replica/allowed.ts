/**
 * Decides what may be sent to other copies: changes of rows, and statements that change the schema. The tables that
 * hold the state of a copy are never sent.
 */

import { changesetMark } from '../changeset/format.js';
import { ChangesetReader } from '../changeset/reader.js';
import { validate } from '../changeset/validate.js';
import type { CaptureEntry } from '../recording/capture-format.js';
import { isCaptured, isTemporary, schemaStatement } from '../recording/ddl.js';
import { refusedVirtual } from './fulltext.js';

/** The prefix of the names of the tables that hold the state of a copy. */
export const ownPrefix = '_sqlite_wasm_run_replica';

/** Whether a table holds the state of a copy. */
export const isOwn = (table: string): boolean => table.toLowerCase().startsWith(ownPrefix);

/** Whether a table belongs to SQLite. Each copy keeps its own statistics and AUTOINCREMENT counters. */
export const isOfSqlite = (table: string): boolean => table.toLowerCase().startsWith('sqlite_');

/** Whether changes of a table are sent to other copies. */
export const travels = (table: string): boolean => !isOwn(table) && !isOfSqlite(table);

/**
 * The reason why an entry of a capture cannot be sent to other copies; undefined if it can. All copies must decide in
 * the same way.
 */
export function refusedEntry(entry: CaptureEntry): string | undefined {
  return entry.kind === 'ddl' ? refusedStatement(entry.sql) : refusedChanges(entry.bytes);
}

function refusedChanges(bytes: Uint8Array): string | undefined {
  if (bytes[0] !== changesetMark) return 'it contains a patchset, which cannot be undone';
  const fault = validate(bytes);
  if (fault) return `its changeset is malformed: ${fault.reason} at byte ${fault.offset}`;
  let why: string | undefined;
  const reader = new ChangesetReader(bytes, {
    onHead: ({ table: { name, patchset } }) => {
      if (patchset) why ??= 'it contains a patchset, which cannot be undone';
      else if (!travels(name))
        why ??= `it changes ${name}, which belongs to ${isOwn(name) ? 'the replica' : 'SQLite'}`;
    },
  });
  while (why === undefined && reader.next());
  return why;
}

function refusedStatement(sql: string): string | undefined {
  if (!isCaptured(sql)) return `it contains a statement that does not change the schema: ${sql}`;
  const { verb, object, name, isVirtual } = schemaStatement(sql);
  if (isTemporary(sql)) return `it creates a temporary object: ${sql}`;
  if (verb === 'analyze') return 'it contains ANALYZE, but each copy has its own statistics';
  if (name !== undefined && isOwn(name)) return `it changes ${name}, which belongs to the replica`;
  // CREATE INDEX, CREATE TRIGGER and ALTER TABLE RENAME name a table later in the statement, so search all of it.
  if (verb !== 'pragma' && sql.toLowerCase().includes(ownPrefix)) {
    return `a statement names a table of the replica: ${sql}`;
  }
  const why = isVirtual ? refusedVirtual(sql) : undefined;
  if (why !== undefined) return `it creates the virtual table ${name}: ${why}`;
  return object === '' ? `it contains an unknown statement: ${sql}` : undefined;
}
