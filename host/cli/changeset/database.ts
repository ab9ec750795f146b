/** Subcommands that work on databases: capture, apply, diff. */

import type { ApplyReport, DatabaseSync, Policy, PolicyRule, ReportOptions } from '../../index.js';
import { type Command, CommandError, exitCodes, type Given } from './command.js';
import { openDatabase, readChangeset, readInput, writeOutput } from './files.js';
import { outputOption } from './transform.js';

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

export const capture: Command = {
  name: 'capture',
  summary: 'Runs SQL on a database and writes what it changed as a changeset.',
  operands: '',
  count: [0, 0],
  options: {
    db: { value: 'FILE', required: true, help: 'the database; made where it is not there' },
    script: { value: 'FILE', required: true, help: 'the SQL; - for standard input' },
    output: outputOption,
    table: { value: 'NAME', multiple: true, help: 'records this table only; may be given several times' },
    patchset: { help: 'leaves old values out' },
    rowid: { help: 'records tables without a PRIMARY KEY too, by rowid' },
    refuse: { help: 'refuses to start where a table or row would be left out' },
  },
  run(given) {
    const sql = new TextDecoder().decode(readInput(given.text('script') ?? '-'));
    using database = openDatabase(given.text('db') ?? '', { make: true });
    const tables = given.texts('table');
    using session = database.createSession({
      ...(tables.length > 0 && { tables }),
      rowid: given.on('rowid'),
      onUnrecorded: given.on('refuse') ? 'refuse' : 'ignore',
    });
    let failure: unknown;
    try {
      database.exec(sql);
    } catch (error) {
      failure = error;
    }
    for (const { message } of session.warnings()) say(`warning: ${message}`);
    if (failure !== undefined && database.isTransaction) database.exec('ROLLBACK');
    const bytes = given.on('patchset') ? session.patchset() : session.changeset();
    writeOutput(given.text('output') ?? '-', bytes);
    if (failure === undefined) return exitCodes.done;
    throw new CommandError(
      `${(failure as Error).message}; what was committed before it is in the changeset of ${bytes.length} bytes`,
    );
  },
};

/** `ours`, or a rule `TABLE:KIND:ACTION` with `*` for any table or kind. */
function policyOf(texts: readonly string[]): Policy {
  if (texts.length === 0) return 'abort';
  const [first = ''] = texts;
  if (texts.length === 1 && !first.includes(':')) return first as Policy;
  return texts.map((text): PolicyRule => {
    const parts = text.split(':');
    if (parts.length !== 3) {
      throw new CommandError(
        `--policy "${text}" is neither abort, ours, theirs, append-only nor a rule TABLE:KIND:ACTION, as in users:data:replace`,
        exitCodes.usage,
      );
    }
    const [table = '*', conflict = '*', action = ''] = parts;
    return {
      ...(table !== '*' && { table }),
      ...(conflict !== '*' && { conflict: conflict as NonNullable<PolicyRule['conflict']> }),
      action: action as PolicyRule['action'],
    };
  });
}

function reportText(report: ApplyReport): string {
  const lines: string[] = [];
  for (const {
    table,
    inserted,
    updated,
    deleted,
    omitted,
    replaced,
    filtered,
    skipped,
    conflicts,
  } of report.tables) {
    const kinds = Object.entries(conflicts).map(([kind, count]) => `${count} ${kind}`);
    const parts = [
      `${inserted} inserted`,
      `${updated} updated`,
      `${deleted} deleted`,
      omitted > 0 && `${omitted} of them omitted`,
      replaced > 0 && `${replaced} of them replaced`,
      filtered > 0 && `${filtered} filtered out`,
      skipped > 0 && `${skipped} skipped`,
      kinds.length > 0 && `conflicts: ${kinds.join(', ')}`,
    ];
    lines.push(`${table}: ${parts.filter(Boolean).join(', ')}`);
  }
  if (report.foreignKeyViolations > 0) lines.push(`${report.foreignKeyViolations} foreign keys are violated`);
  lines.push(...report.problems.map((problem) => `problem: ${problem}`));
  if (!report.applied) lines.push('nothing was applied');
  else if (report.dryRun) lines.push(`dry run: ${report.changes} rows would be changed`);
  else lines.push(`${report.changes} rows changed`);
  return lines.map((line) => `${line}\n`).join('');
}

export const apply: Command = {
  name: 'apply',
  summary:
    'Applies changesets to a database one after another, all of them or none, and reports what came of it.',
  operands: 'IN ...',
  count: [1, Number.POSITIVE_INFINITY],
  options: {
    db: { value: 'FILE', required: true, help: 'the database' },
    policy: {
      value: 'POLICY',
      multiple: true,
      help: 'abort (the default), ours, theirs, append-only; or rules TABLE:KIND:ACTION, of which the first that fits decides',
    },
    'dry-run': { help: 'reports what would be, and changes nothing' },
    table: { value: 'GLOB', multiple: true, help: 'only tables whose names match; !GLOB leaves some out' },
    invert: { help: 'undoes the changesets instead' },
    'ignore-noop': { help: 'a change that is there already is no conflict' },
    'fk-no-action': { help: 'foreign key actions such as ON DELETE CASCADE do not run' },
    refuse: {
      value: 'KIND',
      multiple: true,
      help: 'applies nothing on a warning of this kind, such as missing-table; all: of any',
    },
    check: {
      help: 'checks integrity and foreign keys at the end, and takes everything back where they fail',
    },
    json: { help: 'the report as JSON' },
    'rebase-out': { value: 'FILE', help: 'where the rebase buffer is written' },
  },
  run(given) {
    const changesets = given.rest.map(readChangeset);
    if (given.on('invert')) changesets.reverse();
    const kinds = given.texts('refuse');
    const tables = given.texts('table');
    const options: ReportOptions = {
      policy: policyOf(given.texts('policy')),
      dryRun: given.on('dry-run'),
      invert: given.on('invert'),
      ignoreNoop: given.on('ignore-noop'),
      fkNoAction: given.on('fk-no-action'),
      check: given.on('check'),
      ...(tables.length > 0 && { tables }),
      ...(kinds.length > 0 && { refuse: kinds.includes('all') || (kinds as never) }),
    };
    using database = openDatabase(given.text('db') ?? '');
    const report = applied(database, changesets, options);
    const { rebase, ...plain } = report;
    if (given.on('json')) {
      const text = JSON.stringify({ ...plain, rebase: Buffer.from(rebase).toString('hex') }, null, 2);
      process.stdout.write(`${text}\n`);
    } else {
      for (const { message } of report.warnings) say(`warning: ${message}`);
      process.stdout.write(reportText(report));
    }
    const out = given.text('rebase-out');
    if (out !== undefined && report.applied) writeOutput(out, rebase);
    return report.applied ? exitCodes.done : exitCodes.notApplied;
  },
};

function applied(database: DatabaseSync, changesets: Uint8Array[], options: ReportOptions): ApplyReport {
  try {
    return database.apply(changesets, options);
  } catch (error) {
    if (error instanceof TypeError) throw new CommandError(error.message, exitCodes.usage);
    const message = (error as Error).message;
    throw new CommandError(
      message,
      message.startsWith('refused: ') ? exitCodes.notApplied : exitCodes.failed,
    );
  }
}

/** The tables of a database that the session extension can compare, by name. */
function tablesOf(database: DatabaseSync, schema: string): Map<string, boolean> {
  const rows = database
    .prepare(
      `SELECT name, EXISTS (SELECT 1 FROM pragma_table_info(l.name, ?1) WHERE pk) AS keyed FROM pragma_table_list AS l
       WHERE schema=?1 AND type='table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'`,
    )
    .all(schema);
  return new Map(rows.map((row) => [String(row.name), row.keyed === 1]));
}

export const diff: Command = {
  name: 'diff',
  summary: 'Writes the changeset that turns one database into another.',
  operands: 'OLD.db NEW.db',
  count: [2, 2],
  options: {
    output: outputOption,
    table: { value: 'NAME', multiple: true, help: 'compares this table only; may be given several times' },
    patchset: { help: 'leaves old values out' },
    rowid: { help: 'compares tables without a PRIMARY KEY too, by rowid' },
  },
  run: (given) => {
    const [old = '', fresh = ''] = given.rest;
    openDatabase(old, { readOnly: true }).close();
    using database = openDatabase(fresh, { readOnly: true });
    database.prepare('ATTACH ? AS old').run(old);
    const [before, after] = [tablesOf(database, 'old'), tablesOf(database, 'main')];
    using session = database.createSession({ tables: [], rowid: given.on('rowid') });
    const wanted = given.texts('table');
    for (const table of wanted.length > 0 ? wanted : new Set([...before.keys(), ...after.keys()])) {
      const why = incomparable(given, before.get(table), after.get(table));
      if (why === undefined) session.diff('old', table);
      else if (wanted.length > 0) throw new CommandError(`${table}: ${why}`);
      else say(`warning: ${table}: ${why}, so it is left out`);
    }
    writeOutput(given.text('output') ?? '-', given.on('patchset') ? session.patchset() : session.changeset());
    return exitCodes.done;
  },
};

function incomparable(
  given: Given,
  before: boolean | undefined,
  after: boolean | undefined,
): string | undefined {
  if (before === undefined) return 'it is not in the old database';
  if (after === undefined) return 'it is not in the new database';
  if (before && after) return undefined;
  return given.on('rowid') ? undefined : 'it has no primary key (--rowid compares by rowid)';
}
