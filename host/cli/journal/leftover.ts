/**
 * Finds out from the database's contents whether the last transaction of a journal was committed. `changeset capture`
 * creates no table of its own in the database, because the database may be new, and the script may still set its
 * encoding or page size.
 *
 * Every recorded change differs between the state before the transaction and the state after it.
 */

import { connectionOf } from '../../api/connections.js';
import { type Change, changes, type Value } from '../../changeset/index.js';
import type { CaptureEntry, DatabaseSync } from '../../index.js';
import { numberPragma, quotedName } from '../../kernel/query.js';
import { type TableShape, tableShape } from '../../kernel/schema.js';
import { changesetsOf, statementsOf } from '../changeset/entries.js';
import type { Witness } from './recorder.js';
import { TableNotes, type Tables } from './schema.js';

/** The header fields of the database after a transaction. */
interface Header {
  readonly schemaVersion: string;
  readonly userVersion: string;
  readonly applicationId: string;
}

/** The note of a transaction: the header fields and tables that it changed. */
type Note = Partial<Header> & { readonly tables?: Tables };

export type State = 'before' | 'after' | 'other';

export class StateWitness implements Witness {
  readonly #database: DatabaseSync;
  readonly #tables: TableNotes;
  #note = '';

  /** @param tables the tables that the continued journal noted last */
  constructor(database: DatabaseSync, tables: Tables | undefined) {
    this.#database = database;
    this.#tables = new TableNotes(database);
    this.#tables.goOn(tables);
  }

  note(entries: readonly CaptureEntry[]): string {
    const tables = this.#tables.next();
    const header = statementsOf(entries).length === 0 ? undefined : headerOf(this.#database);
    const note: Note = { ...header, ...(tables && { tables }) };
    this.#note = header || tables ? JSON.stringify(note) : '';
    return this.#note;
  }

  committing(): void {}

  committed(): void {
    this.#tables.committed();
  }

  failed(): void {}

  isCommitted(_number: number, entries: readonly CaptureEntry[]): boolean {
    return stateOf(this.#database, entries, this.#note) === 'after';
  }
}

function headerOf(database: DatabaseSync): Header {
  const read = (name: string): string => `${numberPragma(connectionOf(database), 'main', name)}`;
  return {
    schemaVersion: read('schema_version'),
    userVersion: read('user_version'),
    applicationId: read('application_id'),
  };
}

/** Whether a database is in the state before or after a transaction. @param note the note of the transaction */
export function stateOf(database: DatabaseSync, entries: readonly CaptureEntry[], note: string): State {
  const changesets = changesetsOf(entries);
  const then: Note = note === '' ? {} : (JSON.parse(note) as Note);
  if (then.schemaVersion !== undefined) {
    const now = headerOf(database);
    const [was, is] = [BigInt(then.schemaVersion), BigInt(now.schemaVersion)];
    const changesSchema = statementsOf(entries).some((sql) => !/^pragma/i.test(sql));
    if (changesSchema) return is === was ? 'after' : is < was ? 'before' : 'other';
    if (changesets.length === 0) {
      const isSame = now.userVersion === then.userVersion && now.applicationId === then.applicationId;
      return isSame ? 'after' : 'before';
    }
  }
  const rows = new Rows(database);
  let isBefore = true;
  let isAfter = true;
  for (const bytes of changesets) {
    for (const change of changes(bytes)) {
      const [before, after] = rows.compare(change);
      isBefore &&= before;
      isAfter &&= after;
      if (!isBefore && !isAfter) return 'other';
    }
  }
  // If the state before is not known, only the new values are checked, as for an UPDATE of a patchset.
  return isAfter ? 'after' : 'before';
}

/** Reads the rows of a database that changes refer to. */
class Rows {
  readonly #database: DatabaseSync;
  readonly #shapes = new Map<string, TableShape | undefined>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Whether a row is in the state before a change, and whether it is in the state after the change. */
  compare({ table, key: places, op, old, new: fresh }: Change): [before: boolean, after: boolean] {
    const names = this.#columns(table, places.length);
    if (!names) return [false, false];
    // In changesets, a NULL in the key of sqlite_stat1 is an empty blob.
    const isNull = table.toLowerCase() === 'sqlite_stat1';
    const real = (values: Change['new']): Change['new'] =>
      isNull
        ? values.map((value) => (value instanceof Uint8Array && value.length === 0 ? null : value))
        : values;
    const known = real(op === 'insert' ? fresh : old);
    const key = places.flatMap((place, i) => (place === 0 ? [] : [i]));
    const row = this.#find(table, names, key, known);
    // If an UPDATE changes the key, the collation treats the old and the new key as equal.
    const isMoved = op === 'update' && key.some((i) => fresh[i] !== undefined);
    const moved = known.map((value, i) => real(fresh)[i] ?? value);
    const next = isMoved ? this.#find(table, names, key, moved) : row;
    const is = (found: Value[] | undefined, values: Change['new']): boolean =>
      found !== undefined &&
      real(values).every((value, i) => value === undefined || same(value, found[i] ?? null));
    if (op === 'insert') return [row === undefined, is(row, fresh)];
    return op === 'delete' ? [is(row, old), row === undefined] : [is(row, old), is(next, fresh)];
  }

  /** Finds the row whose key has exactly these values, and not only by the collation. */
  #find(
    table: string,
    names: readonly string[],
    key: readonly number[],
    known: Change['new'],
  ): Value[] | undefined {
    const where = key.map((i) => `${names[i]} IS ?`).join(' AND ');
    const statement = this.#database.prepare(
      `SELECT ${names.join()} FROM main.${quotedName(table)} WHERE ${where}`,
      {
        readBigInts: true,
        returnArrays: true,
      },
    );
    const rows = statement.all(...key.map((i) => known[i])) as unknown as Value[][];
    return rows.find((row) => key.every((i) => same(known[i] ?? null, row[i] ?? null)));
  }

  #columns(table: string, count: number): string[] | undefined {
    if (!this.#shapes.has(table)) {
      this.#shapes.set(table, tableShape(connectionOf(this.#database), 'main', table));
    }
    const names = this.#shapes.get(table)?.columns.map(quotedName);
    if (names?.length === count - 1) return ['_rowid_', ...names];
    return names?.length === count ? names : undefined;
  }
}

function same(one: Value, other: Value): boolean {
  if (one instanceof Uint8Array) return other instanceof Uint8Array && Buffer.compare(one, other) === 0;
  return one === other;
}
