/** Implements `changeset capture`, which runs a script and writes its changes. */

import { subject, written } from '../../api/actions.js';
import { connectionOf } from '../../api/connections.js';
import type { Capture, CaptureEntry, CaptureOptions, DatabaseSync, Warning } from '../../index.js';
import { collatedKeyChanges, hasCollatedKey, spelledOtherwise } from '../../recording/collated-keys.js';
import type { Action, Given } from '../command.js';
import { CommandError, exitCodes } from '../exit.js';
import { Guard } from '../journal/guard.js';
import { StateWitness } from '../journal/leftover.js';
import { bare, Recorder } from '../journal/recorder.js';
import { say } from '../output.js';
import { Progress } from '../progress.js';
import { scan } from '../statement.js';
import { type CaptureKeeper, captureKeeper } from './capture-log.js';
import { type Boundary, counted, written as joinedForFile, kindOf } from './entries.js';
import { nameOf, Output, openDatabase, readInput } from './files.js';
import { interruptible, signalled } from './interruption.js';
import { outputOption } from './transform.js';

/** The options of a capture, which the daemon also has. */
export const captureOptions = {
  table: { value: 'NAME', multiple: true, help: 'record this table only; may be repeated' },
  patchset: { help: 'omit old values' },
  rowid: { help: 'also record tables without a PRIMARY KEY, by rowid' },
  ddl: { help: 'also record statements that change the schema; OUT is then a capture' },
  refuse: { help: 'do not start if a table or row would not be recorded' },
} as const;

/** Starts a capture with the given options. @param filter used if the options name no tables */
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

/** @throws CommandError if `--refuse` is given and a table or row is not recorded */
export function refuseUnrecorded(capture: Capture, given: Given): void {
  const [sentence] = given.on('refuse') ? sentences(capture.warnings()) : [];
  if (sentence !== undefined) throw new CommandError(`refused: ${sentence}`);
}

/** Converts warnings to messages of the command line. */
export function sentences(warnings: readonly Warning[]): string[] {
  return warnings.map(({ kind, table, message }) =>
    kind === 'no-key'
      ? `${table}: a table without a PRIMARY KEY is not recorded (--rowid records it)`
      : message,
  );
}

/** A message that schema changes were not recorded; undefined if all were. */
export function ddlAdvice(entries: Iterable<CaptureEntry | Boundary>, ddl: boolean): string | undefined {
  if (ddl) return undefined;
  const statements: string[] = [];
  for (const entry of entries) if (entry.kind === 'ddl') statements.push(entry.sql);
  if (statements.length === 0) return undefined;
  return `${counted(statements.length, 'statement')} changed the schema and cannot be in a changeset (use --ddl to record them): ${statements[0]}`;
}

/** The message if a capture is written although `--ddl` was not given. */
export const apartMessage =
  'changes before and after a schema change cannot be joined into one changeset, so a capture was written, as with --ddl';

export const capture: Action = {
  threaded: true,
  operands: '(--script FILE | -)',
  count: [0, 1],
  options: {
    db: { value: 'FILE', required: true, help: 'the database; created if it does not exist' },
    script: { value: 'FILE', help: 'the SQL to run; - is standard input' },
    output: outputOption,
    ...captureOptions,
    'accept-loss': {
      help: 'continue even if the journal of a killed capture is damaged or belongs to another database; keep the readable changes',
    },
  },
  async run(given) {
    const script = scriptOf(given);
    const path = given.text('db') ?? '';
    const output = new Output(given.text('output') ?? '-', path, [script]);
    const sql = readScript(script);
    using database = openDatabase(path, { make: true });
    const begin = (): Capture => startCapture(database, given);
    {
      using first = begin();
      refuseUnrecorded(first, given);
    }
    const keeper = captureKeeper(given, output, path, database);
    try {
      return await captureScript({ name: nameOf(script), sql, database, begin, keeper, output });
    } finally {
      keeper.close();
    }
  },
};

/** The name that VACUUM gives to the database to which it copies. */
const vacuumName = /^vacuum_[0-9a-f]{16}$/;

interface Work {
  readonly name: string;
  readonly sql: string;
  readonly database: DatabaseSync;
  begin(): Capture;
  readonly keeper: CaptureKeeper;
  readonly output: Output;
}

async function captureScript(work: Work): Promise<number> {
  const { database, begin, keeper, output } = work;
  const attached = new Set<string>();
  const guard = new Guard(database, (action) => {
    const to = written(action);
    if (to !== undefined && to !== 'main' && to !== 'temp' && !vacuumName.test(to))
      attached.add(`${to}.${subject(action)}`);
    return undefined;
  });
  const witness = new StateWitness(database, keeper.tables);
  const recorder = new Recorder(database, { keeper, witness, guard, begin, remembersTables: true });
  let failure: string | undefined;
  try {
    runScript(database, recorder, work);
  } catch (error) {
    failure = (error as Error).message;
  }
  if (recorder.inTransaction) {
    recorder.rollback();
    if (failure === undefined)
      say('warning: the script ended with an open transaction, which was rolled back');
  }
  for (const sentence of sentences(recorder.capture.warnings())) say(`warning: ${sentence}`);
  for (const name of attached) {
    say(`warning: ${name} is in an attached database, so its changes are not captured`);
  }
  recorder.close();
  const entries = keeper.entries();
  for (const sentence of sentences(spelledOtherwiseIn(entries, database))) say(`warning: ${sentence}`);
  const advice = ddlAdvice(entries, keeper.ddl);
  if (advice !== undefined) say(`warning: ${advice}`);
  const { bytes, apart } = joinedForFile(entries, keeper.ddl, database);
  // If the script fails before its first commit, leave the output unchanged.
  const isNothing = failure !== undefined && bytes.length === 0;
  await keeper.hand(bytes, isNothing ? undefined : output);
  if (failure !== undefined) {
    const code = signalled() || exitCodes.failed;
    const before = isNothing
      ? 'nothing was committed before the error, so nothing was written'
      : `the changes committed before the error were written: ${kindOf(bytes)}`;
    throw new CommandError(`${failure}; ${before}`, code);
  }
  if (apart) throw new CommandError(apartMessage);
  return exitCodes.done;
}

/** Warnings of tables in which a key changed to one that its collation treats as equal, which cannot be applied. */
function spelledOtherwiseIn(entries: Iterable<CaptureEntry | Boundary>, database: DatabaseSync): Warning[] {
  const known = new Map<string, boolean>();
  const isCollated = (table: string): boolean => {
    const is = known.get(table) ?? hasCollatedKey(connectionOf(database), 'main', table);
    known.set(table, is);
    return is;
  };
  const tables = new Set<string>();
  for (const entry of entries) {
    if (entry.kind !== 'changeset') continue;
    for (const table of collatedKeyChanges(entry.bytes, isCollated)) tables.add(table);
  }
  return [...tables].map(spelledOtherwise);
}

function scriptOf(given: Given): string {
  const script = given.text('script');
  const [operand] = given.rest;
  if (operand !== undefined && operand !== '-') {
    throw new CommandError(
      `unexpected argument "${operand}"; use --script to name the script`,
      exitCodes.usage,
    );
  }
  if ((script === undefined) === (operand === undefined)) {
    throw new CommandError('pass either --script FILE, or - for standard input', exitCodes.usage);
  }
  return script ?? '-';
}

function readScript(path: string): string {
  let sql: string;
  try {
    sql = new TextDecoder('utf-8', { fatal: true }).decode(readInput(path));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${nameOf(path)} is not SQL: it is not UTF-8`);
  }
  const nul = sql.indexOf('\0');
  if (nul >= 0) throw new CommandError(`${nameOf(path)} is not SQL: line ${lineOf(sql, nul)} contains a NUL`);
  return sql;
}

/** The line number of an offset in a text, from 1. */
const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length;

function isSynchronous(database: DatabaseSync): boolean {
  return database.prepare('PRAGMA main.synchronous').get()?.synchronous !== 0;
}

/** Runs a script, statement by statement. @throws CommandError that names the line of the failed statement */
function runScript(database: DatabaseSync, recorder: Recorder, { sql, name, keeper }: Work): void {
  using progress = new Progress(`running ${name}`, sql.length);
  using _ = interruptible(database, () => recorder.isRunning);
  let start = 0;
  const run = (end: number): void => {
    try {
      // SQLite may read as several statements what the scan reads as one.
      while (bare(sql.slice(start, end)) !== '') {
        if (signalled() !== 0) throw new Error('interrupted');
        const text = sql.slice(start, end);
        start += recorder.run(text).length;
        // With synchronous=OFF, the user accepts losses at a power failure, so the journal does not have to sync.
        if (/^pragma\b[^;]*\bsynchronous\b/i.test(bare(text))) keeper.syncs = isSynchronous(database);
      }
    } catch (error) {
      const text = sql.slice(start, end);
      const at = start + text.length - bare(text).length;
      throw new CommandError(`${name}, line ${lineOf(sql, at)}: ${(error as Error).message}`);
    }
    start = end;
    progress.at(end);
  };
  scan(sql, run);
  run(sql.length);
}
