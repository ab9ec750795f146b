/** Changesets as SQL text. */

import { ChangesetError } from './errors.js';
import { opDelete, opInsert } from './format.js';
import { type ColumnNames, toHex } from './json.js';
import { ChangesetReader } from './reader.js';

export interface SqlOptions {
  /**
   * The columns' names by table. Where it knows none they are c1, c2 and so on, which shows what changed and
   * runs only where the columns are called so.
   */
  readonly columnNames?: ColumnNames;
  /** Hears for each change how many bytes were read. */
  readonly heard?: (offset: number) => void;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL writes it; U+0000 cannot stand in a literal. */
export function quoteText(text: string): string {
  const quoted = (part: string): string => `'${part.replaceAll("'", "''")}'`;
  if (!text.includes('\0')) return quoted(text);
  return `(${text.split('\0').map(quoted).join('||char(0)||')})`;
}

/** A REAL as SQL reads it back to the same number. SQLite has no NaN: it is NULL. */
export function sqlReal(value: number): string {
  if (Number.isNaN(value)) return 'NULL';
  if (!Number.isFinite(value)) return value < 0 ? '-9.0e+999' : '9.0e+999';
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** The value at a place of the changeset, as SQL writes it. */
export function sqlValueAt(reader: ChangesetReader, place: number): string {
  switch (reader.typeAt(place)) {
    case 1: {
      const value = reader.integerAt(place);
      return value === -(2n ** 63n) ? '(-9223372036854775807-1)' : `${value}`; // a literal is read without its sign
    }
    case 2:
      return sqlReal(reader.realAt(place));
    case 3: {
      const text = reader.validTextAt(place);
      return text === undefined ? `CAST(x'${toHex(reader.bytesAt(place))}' AS TEXT)` : quoteText(text);
    }
    case 4:
      return `x'${toHex(reader.bytesAt(place))}'`;
    default:
      return 'NULL';
  }
}

/**
 * Statements that make the same changes, one a line. They act on rows by key; old values are not compared.
 *
 * @throws ChangesetError where the bytes are no changeset
 */
export function* sqlStatements(bytes: Uint8Array, options: SqlOptions = {}): Generator<string, void, void> {
  const reader = new ChangesetReader(bytes);
  const known = new Map<object, readonly string[]>();
  while (reader.next()) {
    options.heard?.(reader.end);
    const { table, columns, op } = reader;
    let names = known.get(table);
    if (!names) {
      const given = options.columnNames?.(table.name, columns);
      names =
        given?.length === columns
          ? given.map(quoteName)
          : Array.from({ length: columns }, (_, i) => quoteName(`c${i + 1}`));
      known.set(table, names);
    }
    const target = quoteName(table.name);
    const each = (text: (column: number, name: string) => string | undefined): string[] =>
      names.map((name, i) => text(i, name)).filter((part) => part !== undefined);
    if (op === opInsert) {
      const values = each((i) => sqlValueAt(reader, reader.newAt(i)));
      yield `INSERT INTO ${target}(${names.join(', ')}) VALUES(${values.join(', ')});`;
      continue;
    }
    const where = each((i, name) =>
      table.key[i] ? `${name}=${sqlValueAt(reader, reader.oldAt(i))}` : undefined,
    );
    if (where.length === 0) throw new ChangesetError(`table ${table.name} has no key`, reader.start - 2);
    if (op === opDelete) yield `DELETE FROM ${target} WHERE ${where.join(' AND ')};`;
    else {
      const set = each((i, name) =>
        reader.newAt(i) < 0 ? undefined : `${name}=${sqlValueAt(reader, reader.newAt(i))}`,
      );
      if (set.length > 0) yield `UPDATE ${target} SET ${set.join(', ')} WHERE ${where.join(' AND ')};`;
    }
  }
}

/** All of {@link sqlStatements} as one text; '' where nothing changed. */
export function toSql(bytes: Uint8Array, options: SqlOptions = {}): string {
  return [...sqlStatements(bytes, options)].map((statement) => `${statement}\n`).join('');
}
