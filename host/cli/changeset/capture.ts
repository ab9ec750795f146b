/** `changeset capture`: what a script changes. */

import type { Capture, CaptureOptions, DatabaseSync, Warning } from '../../index.js';
import { type Command, CommandError, exitCodes, type Given } from '../command.js';
import { say } from '../output.js';
import { Progress } from '../progress.js';
import { scan } from '../statement.js';
import { counted, kindOf, statementsOf, written } from './entries.js';
import { nameOf, Output, openDatabase, readInput } from './files.js';
import { interruptible, signalled } from './interruption.js';
import { outputOption } from './transform.js';

/** What a capture is made with, here and in the daemon. */
export const captureOptions = {
  table: { value: 'NAME', multiple: true, help: 'records this table only; may be given several times' },
  patchset: { help: 'leaves old values out' },
  rowid: { help: 'records tables without a PRIMARY KEY too, by rowid' },
  ddl: { help: 'records what changes the schema too; where there is such a statement, OUT is a capture' },
  refuse: { help: 'refuses to start where a table or row would be left out' },
} as const;

/** Starts the capture that the options ask for. @param filter where they name no tables */
export function startCapture(
  database: DatabaseSync,
  given: Given,
  filter?: CaptureOptions['filter'],
): Capture {
  const tables = given.texts('table');
  return database.capture({
    ...(tables.length > 0 ? { tables } : filter && { filter }),
    rowid: given.on('rowid'),
    patchset: given.on('patchset'),
  });
}

/** @throws CommandError where something is left out, and that is to be refused */
export function refuseUnrecorded(capture: Capture, given: Given): void {
  const [sentence] = given.on('refuse') ? sentences(capture.warnings()) : [];
  if (sentence !== undefined) throw new CommandError(`refused: ${sentence}`);
}

/** Warnings as the command line says them. */
export function sentences(warnings: readonly Warning[]): string[] {
  return warnings.map(({ kind, table, message }) =>
    kind === 'no-key'
      ? `${table}: a table without a PRIMARY KEY is not recorded (--rowid records it)`
      : message,
  );
}

/** Why what was captured is not as it was asked for, and what to do; undefined where it is. */
export function ddlAdvice(entries: Parameters<typeof statementsOf>[0], ddl: boolean): string | undefined {
  const statements = statementsOf(entries);
  if (ddl || statements.length === 0) return undefined;
  return `${counted(statements.length, 'statement')} changed the schema, which no changeset holds (--ddl records that too): ${statements[0]}`;
}

/** Said where changesets are written as a capture although that was not asked for. */
export const apartMessage =
  'changes from before and after the schema changed make no single changeset, so it was written as a capture, as --ddl does';

export const capture: Command = {
  name: 'capture',
  summary:
    'Runs SQL on a database and writes what it changed as a changeset; with --ddl what changes the schema too.\n' +
    'A script that fails ends there: what it committed is written all the same.',
  threaded: true,
  operands: '(--script FILE | -)',
  count: [0, 1],
  options: {
    db: { value: 'FILE', required: true, help: 'the database; made where it is not there' },
    script: { value: 'FILE', help: 'the SQL; - for standard input' },
    output: outputOption,
    ...captureOptions,
  },
  async run(given) {
    const script = scriptOf(given);
    const path = given.text('db') ?? '';
    const output = new Output(given.text('output') ?? '-', path);
    const sql = readScript(script);
    using database = openDatabase(path, { make: true });
    using capturing = startCapture(database, given);
    refuseUnrecorded(capturing, given);
    let failure: string | undefined;
    try {
      runScript(database, sql, nameOf(script));
    } catch (error) {
      failure = (error as Error).message;
    }
    if (database.isTransaction) {
      database.exec('ROLLBACK');
      if (failure === undefined) say('warning: the script ends within a transaction, which was rolled back');
    }
    const ddl = given.on('ddl');
    const entries = capturing.entries();
    for (const sentence of sentences(capturing.warnings())) say(`warning: ${sentence}`);
    const advice = ddlAdvice(entries, ddl);
    if (advice !== undefined) say(`warning: ${advice}`);
    const { bytes, apart } = written(entries, ddl, database);
    await output.write(bytes);
    if (failure !== undefined) {
      const code = signalled() || exitCodes.failed;
      throw new CommandError(`${failure}; what was committed before it was written: ${kindOf(bytes)}`, code);
    }
    if (apart) throw new CommandError(apartMessage);
    return exitCodes.done;
  },
};

function scriptOf(given: Given): string {
  const script = given.text('script');
  const [operand] = given.rest;
  if (operand !== undefined && operand !== '-') {
    throw new CommandError(`there is no place for "${operand}": --script names the script`, exitCodes.usage);
  }
  if ((script === undefined) === (operand === undefined)) {
    throw new CommandError(
      'the SQL comes from one place: --script FILE, or - for standard input',
      exitCodes.usage,
    );
  }
  return script ?? '-';
}

function readScript(path: string): string {
  let sql: string;
  try {
    sql = new TextDecoder('utf-8', { fatal: true }).decode(readInput(path));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${nameOf(path)} is no SQL: it is not UTF-8`);
  }
  const nul = sql.indexOf('\0');
  if (nul >= 0)
    throw new CommandError(`${nameOf(path)} is no SQL: there is a NUL in line ${lineOf(sql, nul)}`);
  return sql;
}

/** The line of a place in a text, from 1. */
const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length;

/** Runs a script, statement by statement. @throws CommandError that names the line of the one that failed */
function runScript(database: DatabaseSync, sql: string, name: string): void {
  using progress = new Progress(`running ${name}`, sql.length);
  using _ = interruptible(database);
  let start = 0;
  const run = (end: number): void => {
    try {
      if (signalled() !== 0) throw new Error('interrupted');
      database.exec(sql.slice(start, end));
    } catch (error) {
      const [before = ''] = /^(?:\s|;|--.*|\/\*[\s\S]*?\*\/)*/.exec(sql.slice(start, end)) ?? [];
      throw new CommandError(
        `${name}, line ${lineOf(sql, start + before.length)}: ${(error as Error).message}`,
      );
    }
    start = end;
    progress.at(end);
  };
  scan(sql, run);
  run(sql.length);
}
