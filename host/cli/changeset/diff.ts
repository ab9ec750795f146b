/** Implements `changeset diff`, which writes the changeset that turns one database into another. */

import { SQLITE_SCHEMA } from '../../core/constants.js';
import { type DatabaseSync, type Session, SqliteError } from '../../index.js';
import { hiddenRowid } from '../../kernel/schema.js';
import { type Action, type Given, lockingOption } from '../command.js';
import { CommandError } from '../exit.js';
import { say } from '../output.js';
import { Progress } from '../progress.js';
import { Output, openDatabase } from './files.js';
import { outputOption } from './transform.js';

/** The tables of a database that the session extension can compare, with the kind of their keys. */
function tablesOf(database: DatabaseSync, schema: string): Map<string, Key> {
  const rows = database
    .prepare(
      `SELECT name, EXISTS (SELECT 1 FROM pragma_table_info(l.name, ?1) WHERE pk) AS keyed,
         EXISTS (SELECT 1 FROM pragma_table_xinfo(l.name, ?1) AS c WHERE c.name='_rowid_' COLLATE NOCASE) AS hides FROM pragma_table_list AS l
       WHERE schema=?1 AND type='table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'`,
    )
    .all(schema);
  return new Map(rows.map((row) => [String(row.name), keyOf(row.keyed === 1, row.hides === 1)]));
}

/** What identifies the rows of a table: its PRIMARY KEY, its rowid, or nothing if a column hides the rowid. */
type Key = 'declared' | 'rowid' | 'none';

function keyOf(isKeyed: boolean, hidesRowid: boolean): Key {
  if (isKeyed) return 'declared';
  return hidesRowid ? 'none' : 'rowid';
}

export const diff: Action = {
  operands: 'OLD.db NEW.db',
  options: {
    output: outputOption,
    table: { value: 'NAME', multiple: true, help: 'compare this table only; may be repeated' },
    patchset: { help: 'omit old values' },
    rowid: { help: 'also compare tables without a PRIMARY KEY, by rowid' },
    locking: lockingOption,
  },
  async run(given) {
    const [old = '', fresh = ''] = given.rest;
    const output = new Output(given.text('output') ?? '-');
    openDatabase(old, { readOnly: true }).close();
    using database = openDatabase(fresh, { readOnly: true });
    database.prepare('ATTACH ? AS old').run(old);
    const [before, after] = [tablesOf(database, 'old'), tablesOf(database, 'main')];
    using session = database.createSession({ tables: [], rowid: given.on('rowid') });
    const wanted = given.texts('table');
    const tables = wanted.length > 0 ? wanted : [...new Set([...before.keys(), ...after.keys()])];
    using progress = new Progress('comparing', tables.length, 'tables');
    for (const [index, table] of tables.entries()) {
      progress.at(index, table);
      const why = incomparable(given, before.get(table), after.get(table)) ?? compare(session, table);
      if (why === undefined) {
        const spelled = spelledOtherwise(database, table);
        if (spelled > 0)
          say(
            `warning: ${table}: ${spelled === 1 ? '1 key differs' : `${spelled} keys differ`} only in ways that the collation treats as equal, which a changeset cannot express`,
          );
        continue;
      }
      if (wanted.length > 0) throw new CommandError(`${table}: ${why}`);
      say(`warning: ${table}: ${why}, so it is left out`);
    }
    await output.write(given.on('patchset') ? session.patchset() : session.changeset());
  },
};

function incomparable(given: Given, before: Key | undefined, after: Key | undefined): string | undefined {
  if (before === undefined) return 'it is not in the old database';
  if (after === undefined) return 'it is not in the new database';
  if (before === 'declared' && after === 'declared') return undefined;
  if (before === 'none' || after === 'none') return hiddenRowid;
  return given.on('rowid') ? undefined : 'it has no primary key (--rowid compares by rowid)';
}

/** Records the differences of a table. Returns the reason if that is impossible. */
function compare(session: Session, table: string): string | undefined {
  try {
    session.diff('old', table);
    return undefined;
  } catch (error) {
    if (error instanceof SqliteError && error.errcode === SQLITE_SCHEMA)
      return 'its columns or primary keys differ';
    throw error;
  }
}

const quoted = (name: unknown): string => `"${String(name).replaceAll('"', '""')}"`;

/** Counts the keys that their collation treats as equal but that differ in bytes, such as 'Ab' and 'AB' with NOCASE. */
function spelledOtherwise(database: DatabaseSync, table: string): number {
  const columns = database
    .prepare(
      `SELECT c.name, max(c.coll<>'BINARY' COLLATE NOCASE) OVER () AS collated
         FROM pragma_index_list(?1, 'main') AS i, pragma_index_xinfo(i.name, 'main') AS c WHERE i.origin='pk' AND c.key`,
    )
    .all(table);
  if (!columns[0]?.collated) return 0;
  const names = columns.map(({ name }) => quoted(name));
  const same = names.map((name) => `o.${name}=n.${name}`).join(' AND ');
  const other = names.map((name) => `o.${name}<>n.${name} COLLATE BINARY`).join(' OR ');
  const sql = `SELECT count(*) AS n FROM main.${quoted(table)} AS n JOIN old.${quoted(table)} AS o ON ${same} WHERE ${other}`;
  return Number(database.prepare(sql).get()?.n);
}
