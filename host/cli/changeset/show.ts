/** Implements the commands that read changesets: show, sql, stat and validate. */

import { isatty } from 'node:tty';
import { styleText } from 'node:util';
import { opDelete, opInsert } from '../../changeset/format.js';
import {
  ChangesetReader,
  sqlStatements,
  statistics,
  type TableStatistics,
  toJson,
} from '../../changeset/index.js';
import { sqlValueAt } from '../../changeset/sql.js';
import { shown, shownLines } from '../../core/shown.js';
import type { CaptureEntry, DatabaseSync } from '../../index.js';
import type { Action, Given, Option } from '../command.js';
import { CommandError, exitCodes } from '../exit.js';
import { flush, print, printJson, printSql, say } from '../output.js';
import { Progress } from '../progress.js';
import { changesetsOf, checkedEntries, counted, kindOf, readEntries, statementsOf } from './entries.js';
import { nameOf, openDatabase, readInput } from './files.js';

export const colorOption: Option = {
  value: 'WHEN',
  choices: ['always', 'never', 'auto'],
  help: 'color the output: always, never or auto',
};
const schemaOption: Option = { value: 'FILE', help: 'a database whose schema names the columns' };

/**
 * Returns a function that reads the column names of a table from a database, in the order of changesets. Without a
 * database, the function returns undefined.
 */
function columnNamesOf(
  database: DatabaseSync | undefined,
): (table: string, count: number) => string[] | undefined {
  const known = new Map<string, string[]>();
  return (table, count) => {
    if (!database) return undefined;
    let names = known.get(table);
    if (!names) {
      const rows = database
        .prepare('SELECT name, pk FROM pragma_table_xinfo(?) WHERE hidden=0 ORDER BY cid')
        .all(table);
      names = rows.map((row) => String(row.name));
      // In changesets, a table without a primary key has the rowid as its first column.
      if (rows.length > 0 && rows.every(({ pk }) => pk === 0)) names.unshift('_rowid_');
      known.set(table, names);
    }
    return names.length === count ? names : undefined;
  };
}

/** Runs `action` with the column names of the database that `--db` names, if any. */
export function withNames<T>(given: Given, action: (names: ReturnType<typeof columnNamesOf>) => T): T {
  const path = given.text('db');
  using database = path === undefined ? undefined : openDatabase(path, { readOnly: true });
  return action(columnNamesOf(database));
}

type Style = 'red' | 'green' | 'yellow' | 'cyan' | 'bold';
export type Paint = (style: Style, text: string) => string;

/** Makes the function that colors text. @param wish the value of --color */
export function painter(wish: string | undefined): Paint {
  const on =
    wish === 'always' ||
    (wish !== 'never' && isatty(1) && !process.env.NO_COLOR && process.env.TERM !== 'dumb');
  return (style, text) => (on ? styleText(style, text, { validateStream: false }) : text);
}

/** Escapes newlines and control characters. */
const visible = (text: string): string => shown(text, Number.POSITIVE_INFINITY);

/** Formats a change as a line: `+` for an insert, `-` for a delete, `~` for an update, with the old and new values. */
function describe(reader: ChangesetReader, names: readonly string[], paint: Paint): string {
  const { op, table } = reader;
  const mark = reader.indirect ? ' (indirect)' : '';
  const each = (text: (name: string, i: number) => string | undefined): string =>
    names.map(text).filter(Boolean).join(', ');
  const old = (i: number): string => sqlValueAt(reader, reader.oldAt(i));
  const line = (style: Style, text: string): string => paint(style, visible(`${text}${mark}`));
  if (op === opInsert)
    return line('green', `+ ${each((name, i) => `${name}=${sqlValueAt(reader, reader.newAt(i))}`)}`);
  if (op === opDelete) {
    return line('red', `- ${each((name, i) => (reader.oldAt(i) < 0 ? undefined : `${name}=${old(i)}`))}`);
  }
  const key = each((name, i) => (table.key[i] ? `${name}=${old(i)}` : undefined));
  const changed = each((name, i) => {
    if (reader.newAt(i) < 0) return undefined;
    const after = sqlValueAt(reader, reader.newAt(i));
    return reader.oldAt(i) < 0 ? `${name}: ${after}` : `${name}: ${old(i)} -> ${after}`;
  });
  return line('yellow', `~ ${key} | ${changed}`);
}

/** Shows progress unless the output goes to the terminal. */
function printing(bytes: number): Progress | undefined {
  return isatty(1) ? undefined : new Progress('printing', bytes);
}

const sizeOf = (entries: readonly CaptureEntry[]): number =>
  changesetsOf(entries).reduce((sum, { length }) => sum + length, 0);

export const show: Action = {
  operands: 'IN',
  options: {
    db: schemaOption,
    json: { help: 'print a JSON document, which `build` converts back to the same bytes' },
    color: colorOption,
  },
  run(given) {
    const entries = readEntries(given.rest[0] ?? '-');
    withNames(given, (columnNames) => {
      if (given.on('json')) printDocument(entries, columnNames);
      else showEntries(entries, columnNames, painter(given.text('color')));
    });
  },
};

/** Prints the changes of entries, row by row. */
export function showEntries(
  entries: readonly CaptureEntry[],
  columnNames: ReturnType<typeof columnNamesOf>,
  paint: Paint,
): void {
  using progress = printing(sizeOf(entries));
  let before = 0;
  for (const entry of entries) {
    if (entry.kind === 'ddl') {
      print(`${paint('cyan', `! ${shownLines(entry.sql)}`)}\n`);
      continue;
    }
    showChanges(entry.bytes, columnNames, paint, (offset) => progress?.at(before + offset));
    before += entry.bytes.length;
  }
}

function showChanges(
  bytes: Uint8Array,
  columnNames: ReturnType<typeof columnNamesOf>,
  paint: Paint,
  heard: (offset: number) => void,
): void {
  const reader = new ChangesetReader(bytes);
  let table: unknown;
  let names: readonly string[] = [];
  while (reader.next()) {
    if (reader.table !== table) {
      table = reader.table;
      const { columns } = reader;
      names =
        columnNames(reader.table.name, columns) ?? Array.from({ length: columns }, (_, i) => `c${i + 1}`);
      print(`${paint('bold', visible(reader.table.name))}\n`);
    }
    print(`  ${describe(reader, names, paint)}\n`);
    heard(reader.end);
  }
}

/**
 * Prints a changeset in the format of `toJson`, and a capture as `{"format": 1, "entries": [...]}`, whose entries are
 * changesets and statements, `{"sql": "..."}`.
 */
export function printDocument(
  entries: readonly CaptureEntry[],
  columnNames: ReturnType<typeof columnNamesOf>,
): void {
  const documents = entries.map((entry) =>
    entry.kind === 'ddl' ? statementJson(entry) : toJson(entry.bytes, columnNames),
  );
  const single = statementsOf(entries).length === 0 && documents.length < 2;
  const document = single ? (documents[0] ?? toJson(new Uint8Array(0))) : { format: 1, entries: documents };
  for (const piece of jsonPieces(document, single ? 4 : 6)) printJson(piece);
  print('\n');
}

/** Converts a statement to an entry of the document. `settings` is a {@link StatementSettings}. */
function statementJson({ sql, settings }: Extract<CaptureEntry, { kind: 'ddl' }>): object {
  return settings ? { sql, settings } : { sql };
}

/**
 * Yields the result of `JSON.stringify(value, null, 2)` in pieces, because a string can have at most half a GiB.
 *
 * @param depth the depth down to which values are split into pieces
 */
function* jsonPieces(value: unknown, depth: number, indent = ''): Generator<string, void, void> {
  if (depth === 0 || typeof value !== 'object' || value === null || Object.keys(value).length === 0) {
    yield JSON.stringify(value, null, 2).replaceAll('\n', `\n${indent}`);
    return;
  }
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const inner = `${indent}  `;
  let separator = open;
  for (const [name, item] of Object.entries(value)) {
    yield `${separator}\n${inner}${Array.isArray(value) ? '' : `${JSON.stringify(name)}: `}`;
    yield* jsonPieces(item, depth - 1, inner);
    separator = ',';
  }
  yield `\n${indent}${close}`;
}

export const sql: Action = {
  operands: 'IN',
  options: { db: schemaOption },
  run(given) {
    const entries = readEntries(given.rest[0] ?? '-');
    withNames(given, (columnNames) => {
      using progress = printing(sizeOf(entries));
      let before = 0;
      for (const entry of entries) {
        if (entry.kind === 'ddl') {
          printSql(`${entry.sql};`);
          print('\n');
          continue;
        }
        const heard = (offset: number): void => progress?.at(before + offset);
        for (const statement of sqlStatements(entry.bytes, { columnNames, heard })) {
          printSql(statement);
          print('\n');
        }
        before += entry.bytes.length;
      }
    });
  },
};

/** Counts the changes of all changesets by table. */
export function countsOf(entries: readonly CaptureEntry[]): TableStatistics[] {
  const sums = new Map<string, TableStatistics>();
  for (const bytes of changesetsOf(entries)) {
    for (const { table, ...counts } of statistics(bytes)) {
      const sum = sums.get(table);
      if (!sum) sums.set(table, { table, ...counts });
      else for (const [name, count] of Object.entries(counts)) sum[name as keyof typeof counts] += count;
    }
  }
  return [...sums.values()];
}

export const stat: Action = {
  operands: 'IN',
  options: { json: { help: 'print a JSON document: {"tables": [...], "statements": N}' } },
  run(given) {
    const entries = readEntries(given.rest[0] ?? '-');
    const counts = countsOf(entries);
    const statements = statementsOf(entries).length;
    if (given.on('json')) {
      printJson(`${JSON.stringify({ tables: counts, statements }, null, 2)}\n`);
      return;
    }
    const head = ['table', 'inserts', 'updates', 'deletes', 'indirect', 'bytes'];
    const rows = counts.map(({ table, inserts, updates, deletes, indirect, bytes }) =>
      [visible(table), inserts, updates, deletes, indirect, bytes].map(String),
    );
    const widths = head.map((text, i) =>
      Math.max(text.length, ...rows.map((row) => (row[i] as string).length)),
    );
    for (const row of [head, ...rows]) {
      const cells = row.map((text, i) =>
        i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0),
      );
      print(`${cells.join('  ')}\n`);
    }
    if (statements > 0) print(`and ${counted(statements, 'statement')} that changed the schema\n`);
  },
};

export const check: Action = {
  operands: 'IN ...',
  options: {},
  run(given) {
    let code: number = exitCodes.done;
    for (const path of given.rest) {
      let bytes: Uint8Array;
      try {
        bytes = readInput(path);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        flush();
        say(error.message);
        code = Math.max(code, error.exitCode);
        continue;
      }
      const checked = checkedEntries(bytes, nameOf(path));
      if (typeof checked === 'string') code = exitCodes.malformed;
      print(`${visible(path)}: ${typeof checked === 'string' ? `malformed: ${checked}` : kindOf(bytes)}\n`);
    }
    return code;
  },
};
