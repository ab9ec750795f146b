import { ChangesetError } from './errors.js';
import { opDelete, opInsert, type Table, typeBlob, typeInteger, typeReal, typeText } from './format.js';
import { toHex } from './hex.js';
import type { ColumnNames, JsonValue } from './json.js';
import { ChangesetReader } from './reader.js';

/** Options of {@link toSql} and {@link sqlStatements}. */
export interface SqlOptions {
  /**
   * Returns the column names of a table. Columns without known names become c1, c2 and so on; the SQL then runs only if
   * the columns have those names.
   */
  readonly columnNames?: ColumnNames;
  /** Called for each change with the number of bytes read. */
  readonly heard?: (offset: number) => void;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Matches control characters except tab and line feed. A literal cannot contain NUL, a shell changes CR, and a terminal
 * interprets the others.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression searches for them
const controls = /([\u0000-\u0008\u000b-\u001f\u007f-\u009f]+)/;

/** Writes a text as an SQL expression, with `char()` for control characters. */
export function quoteText(text: string): string {
  const parts = text.split(controls);
  if (parts.length === 1) return `'${text.replaceAll("'", "''")}'`;
  const written = parts.map((part, i) => {
    if (i % 2 === 1) return `char(${[...part].map((character) => character.charCodeAt(0)).join(',')})`;
    return part === '' ? '' : `'${part.replaceAll("'", "''")}'`;
  });
  return `(${written.filter(Boolean).join('||')})`;
}

/** Writes a REAL so that SQLite reads the same number. NaN becomes NULL, as in SQLite. */
export function sqlReal(value: number): string {
  if (Number.isNaN(value)) return 'NULL';
  if (!Number.isFinite(value)) return value < 0 ? '-9.0e+999' : '9.0e+999';
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** Writes the value at a place of the changeset as SQL. */
export function sqlValueAt(reader: ChangesetReader, place: number): string {
  switch (reader.typeAt(place)) {
    case typeInteger: {
      const number = reader.numberAt(place);
      if (Number.isSafeInteger(number)) return `${number}`;
      const value = reader.integerAt(place);
      return value === -(2n ** 63n) ? '(-9223372036854775807-1)' : `${value}`; // SQLite reads a literal without its sign
    }
    case typeReal:
      return sqlReal(reader.realAt(place));
    case typeText: {
      const text = reader.validTextAt(place);
      return text === undefined ? `CAST(x'${toHex(reader.bytesAt(place))}' AS TEXT)` : quoteText(text);
    }
    case typeBlob:
      return `x'${toHex(reader.bytesAt(place))}'`;
    default:
      return 'NULL';
  }
}

/** Writes a JSON value as SQL. `{}`, a missing value, is not allowed. */
export function sqlOf(value: JsonValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}` : sqlReal(value);
  if (typeof value === 'string') return quoteText(value);
  const [kind, content = ''] = (Object.entries(value)[0] ?? []) as [string?, string?];
  if (kind === 'integer') return content;
  if (kind === 'real') return sqlReal(Number(content));
  if (kind === 'blob') return `x'${content}'`;
  return kind === 'text' ? `CAST(x'${content}' AS TEXT)` : '';
}

/** The beginning of each statement for a table, and the names of its columns. */
interface Names {
  readonly table: Table;
  readonly columns: readonly string[];
  readonly insert: string;
  readonly update: string;
  readonly remove: string;
}

function namesOf(table: Table, { columnNames }: SqlOptions): Names {
  const count = table.key.length;
  const given = columnNames?.(table.name, count);
  const columns =
    given?.length === count
      ? given.map((name) => (name === '_rowid_' ? name : quoteName(name)))
      : Array.from({ length: count }, (_, i) => quoteName(`c${i + 1}`));
  const target = quoteName(table.name);
  return {
    table,
    columns,
    insert: `INSERT INTO ${target}(${columns.join(', ')}) VALUES(`,
    update: `UPDATE ${target} SET `,
    remove: `DELETE FROM ${target}`,
  };
}

/**
 * Returns statements that make the same changes, one per line. They find rows by key and do not compare old values.
 *
 * @throws ChangesetError if the bytes are not a changeset
 */
export function* sqlStatements(bytes: Uint8Array, options: SqlOptions = {}): Generator<string, void, void> {
  const reader = new ChangesetReader(bytes);
  let names: Names | undefined;
  while (reader.next()) {
    options.heard?.(reader.end);
    const { table, op } = reader;
    if (names?.table !== table) names = namesOf(table, options);
    if (op === opInsert) yield `${names.insert}${newValues(reader)});`;
    else {
      const where = keyOf(reader, names.columns);
      if (where === '') throw new ChangesetError(`table ${table.name} has no key`, reader.start - 2);
      if (op === opDelete) yield `${names.remove}${where};`;
      else {
        const set = changed(reader, names.columns);
        if (set !== '') yield `${names.update}${set}${where};`;
      }
    }
  }
}

function newValues(reader: ChangesetReader): string {
  let text = sqlValueAt(reader, reader.newAt(0));
  for (let i = 1; i < reader.columns; i++) text += `, ${sqlValueAt(reader, reader.newAt(i))}`;
  return text;
}

/** The WHERE clause for a row; '' if the table has no key. */
function keyOf(reader: ChangesetReader, names: readonly string[]): string {
  const { key } = reader.table;
  let text = '';
  for (let i = 0; i < names.length; i++) {
    if (key[i]) text += `${text ? ' AND ' : ' WHERE '}${names[i]}=${sqlValueAt(reader, reader.oldAt(i))}`;
  }
  return text;
}

/** The SET clause of an UPDATE; '' if the UPDATE sets nothing. */
function changed(reader: ChangesetReader, names: readonly string[]): string {
  let text = '';
  for (let i = 0; i < names.length; i++) {
    const place = reader.newAt(i);
    if (place >= 0) text += `${text ? ', ' : ''}${names[i]}=${sqlValueAt(reader, place)}`;
  }
  return text;
}

/** Returns all statements of {@link sqlStatements} as one text; '' if there are none. */
export function toSql(bytes: Uint8Array, options: SqlOptions = {}): string {
  return [...sqlStatements(bytes, options)].map((statement) => `${statement}\n`).join('');
}
