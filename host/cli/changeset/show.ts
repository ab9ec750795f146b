/** Subcommands that look at changesets: show, sql, stat, validate. */

import { styleText } from 'node:util';
import { ChangesetReader, sqlStatements, statistics, toJson, validate } from '../../changeset/index.js';
import { sqlValueAt } from '../../changeset/sql.js';
import { type Command, exitCodes, type Given, type Option } from './command.js';
import { columnNamesOf, openDatabase, readChangeset, readInput } from './files.js';

const schemaOption: Option = { value: 'FILE', help: 'a database whose schema names the columns' };

/** Runs `action` with the columns' names, from the database where one is named. */
function withNames<T>(given: Given, action: (names: ReturnType<typeof columnNamesOf>) => T): T {
  const path = given.text('db');
  using database = path === undefined ? undefined : openDatabase(path, { readOnly: true });
  return action(columnNamesOf(database));
}

type Paint = (style: 'red' | 'green' | 'yellow' | 'bold', text: string) => string;

function painter(wish: string | undefined): Paint {
  const on = wish === 'always' || (wish !== 'never' && process.stdout.isTTY && !process.env.NO_COLOR);
  return (style, text) => (on ? styleText(style, text, { validateStream: false }) : text);
}

/** One change as lines: `+` a new row, `-` one that is gone, `~` one that changed, with the values before and after. */
function describe(reader: ChangesetReader, names: readonly string[], paint: Paint): string {
  const { op, table } = reader;
  const mark = reader.indirect ? ' (indirect)' : '';
  const each = (text: (name: string, i: number) => string | undefined): string =>
    names.map(text).filter(Boolean).join(', ');
  if (op === 18) {
    return paint('green', `+ ${each((name, i) => `${name}=${sqlValueAt(reader, reader.newAt(i))}`)}${mark}`);
  }
  const old = (i: number): string => sqlValueAt(reader, reader.oldAt(i));
  if (op === 9) {
    return paint(
      'red',
      `- ${each((name, i) => (reader.oldAt(i) < 0 ? undefined : `${name}=${old(i)}`))}${mark}`,
    );
  }
  const key = each((name, i) => (table.key[i] ? `${name}=${old(i)}` : undefined));
  const changed = each((name, i) => {
    if (reader.newAt(i) < 0) return undefined;
    const after = sqlValueAt(reader, reader.newAt(i));
    return reader.oldAt(i) < 0 ? `${name}: ${after}` : `${name}: ${old(i)} -> ${after}`;
  });
  return paint('yellow', `~ ${key} | ${changed}${mark}`);
}

export const show: Command = {
  name: 'show',
  summary: 'Shows what a changeset changes, row by row: + added, - deleted, ~ changed.',
  operands: 'IN',
  count: [1, 1],
  options: {
    db: schemaOption,
    json: { help: 'as a JSON document, which `build` makes the same bytes of' },
    color: { value: 'WHEN', help: 'always, never or auto' },
  },
  run(given) {
    const bytes = readChangeset(given.rest[0] ?? '-');
    withNames(given, (columnNames) => {
      if (given.on('json')) {
        process.stdout.write(`${JSON.stringify(toJson(bytes, columnNames), null, 2)}\n`);
        return;
      }
      const paint = painter(given.text('color'));
      const reader = new ChangesetReader(bytes);
      let table: unknown;
      let names: readonly string[] = [];
      while (reader.next()) {
        if (reader.table !== table) {
          table = reader.table;
          const { columns } = reader;
          names =
            columnNames(reader.table.name, columns) ?? Array.from({ length: columns }, (_, i) => `c${i + 1}`);
          process.stdout.write(`${paint('bold', reader.table.name)}\n`);
        }
        process.stdout.write(`  ${describe(reader, names, paint)}\n`);
      }
    });
    return exitCodes.done;
  },
};

export const sql: Command = {
  name: 'sql',
  summary:
    'Prints SQL statements that make the same changes. Without --db the columns are called c1, c2 and so on.',
  operands: 'IN',
  count: [1, 1],
  options: { db: schemaOption },
  run(given) {
    const bytes = readChangeset(given.rest[0] ?? '-');
    withNames(given, (columnNames) => {
      for (const statement of sqlStatements(bytes, { columnNames })) process.stdout.write(`${statement}\n`);
    });
    return exitCodes.done;
  },
};

export const stat: Command = {
  name: 'stat',
  summary: 'Counts what a changeset changes, per table.',
  operands: 'IN',
  count: [1, 1],
  options: { json: { help: 'as a JSON document' } },
  run(given) {
    const counts = statistics(readChangeset(given.rest[0] ?? '-'));
    if (given.on('json')) {
      process.stdout.write(`${JSON.stringify(counts, null, 2)}\n`);
      return exitCodes.done;
    }
    const head = ['table', 'inserts', 'updates', 'deletes', 'indirect', 'bytes'];
    const rows = counts.map(({ table, inserts, updates, deletes, indirect, bytes }) =>
      [table, inserts, updates, deletes, indirect, bytes].map(String),
    );
    const widths = head.map((text, i) =>
      Math.max(text.length, ...rows.map((row) => (row[i] as string).length)),
    );
    for (const row of [head, ...rows]) {
      const cells = row.map((text, i) =>
        i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0),
      );
      process.stdout.write(`${cells.join('  ')}\n`);
    }
    return exitCodes.done;
  },
};

export const check: Command = {
  name: 'validate',
  summary: 'Says of each file whether it is a changeset, and if not, which byte is wrong and why.',
  operands: 'IN ...',
  count: [1, Number.POSITIVE_INFINITY],
  options: {},
  run(given) {
    let code: number = exitCodes.done;
    for (const path of given.rest) {
      const bytes = readInput(path);
      const fault = validate(bytes);
      if (fault) code = exitCodes.malformed;
      const kind =
        bytes.length === 0 ? 'an empty changeset' : bytes[0] === 0x50 ? 'a patchset' : 'a changeset';
      const text = fault
        ? `wrong: ${fault.reason} at byte ${fault.offset}`
        : `${kind} of ${bytes.length} bytes`;
      process.stdout.write(`${path}: ${text}\n`);
    }
    return code;
  },
};
