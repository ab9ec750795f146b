/**
 * Runs the requests of shim.tcl with the public API of dist/, and calls Tcl for callbacks.
 *
 *     tsx bridge.ts MODE SOURCE
 */

import { createHash } from 'node:crypto';
import {
  type BlobHandle,
  type Change,
  Changeset,
  type ChangeValues,
  constants,
  DatabaseSync,
  Rebaser,
  type Session,
  type SqlValue,
  setErrorLog,
} from 'sqlite-wasm-run';
import * as codec from 'sqlite-wasm-run/changeset';
import { GroupForTcl } from './groups.js';
import type { Mode } from './modes.js';
import { failure, refusal } from './refusals.js';
import { resultCodes } from './result-codes.js';
import { Arguments, decode, encode, Pipe, tokens, type Wire } from './wire.js';

const [mode, source = ''] = process.argv.slice(2) as [Mode, string];
const nameOf = resultCodes(source);
const byCodec = mode === 'codec';
const byReport = mode === 'report' || byCodec;
Changeset.pieceSize(64); // as in SQLite's own test program

const pipe = new Pipe();

/** The objects that Tcl refers to by number. */
class Handles<T> {
  readonly #held = new Map<number, T>();

  add(value: T): bigint {
    serial += 1;
    this.#held.set(serial, value);
    return BigInt(serial);
  }

  of(id: number): T {
    const value = this.#held.get(id);
    if (value === undefined) throw new Error(`there is no ${id}`);
    return value;
  }

  take(id: number): T | undefined {
    const value = this.#held.get(id);
    this.#held.delete(id);
    return value;
  }
}
let serial = 0;

type RowOfQuery = readonly [columns: readonly string[], row: readonly Wire[] | undefined];

/** A change of an iterator, and the same change read by the codec, if it supports it. */
interface Step {
  readonly change: Change;
  readonly read?: codec.Change;
}

interface IteratorForTcl {
  readonly steps: Iterator<Step>;
  now: Step | undefined;
  done: boolean;
  code: string;
}

/** A session and the options that it was created with. */
interface SessionForTcl {
  readonly database: DatabaseSync;
  readonly name: string;
  readonly attached: string[];
  size: boolean;
  rowid: boolean;
  session: Session;
}

const databases = new Handles<DatabaseSync>();
const blobs = new Handles<BlobHandle>();
const queries = new Handles<Generator<RowOfQuery, void, void>>();
const sessions = new Handles<SessionForTcl>();
const iterators = new Handles<IteratorForTcl>();
const groups = new Handles<GroupForTcl>();
const rebasers = new Handles<Rebaser>();

/** Calls a script in Tcl. */
function askBack(what: string, id: number, ...values: Wire[]): Wire {
  pipe.write(`c ${[what, BigInt(id), ...values].map(encode).join(' ')}`);
  return serve() ?? null;
}

function* statements(
  database: DatabaseSync,
  sql: string,
  parameters: readonly Wire[],
  ends: boolean,
): Generator<RowOfQuery, void, void> {
  const named: Record<string, SqlValue> = {};
  for (let i = 0; i < parameters.length; i += 2) named[String(parameters[i])] = parameters[i + 1] as SqlValue;
  for (let rest = sql; rest.trim() !== ''; ) {
    let statement: ReturnType<DatabaseSync['prepare']>;
    try {
      statement = database.prepare(rest, {
        readBigInts: true,
        returnArrays: true,
        allowBareNamedParameters: false,
        allowUnknownNamedParameters: true,
      });
    } catch (error) {
      if (error instanceof TypeError) return; // only comments are left
      throw error;
    }
    try {
      rest = rest.slice(statement.sourceSQL.length);
      const columns = statement.columns().map(({ name }) => name);
      for (const row of statement.iterate(named)) yield [columns, row as unknown as Wire[]];
      if (ends) yield [columns, undefined];
    } finally {
      if (database.isOpen) statement.close();
    }
  }
}

function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

function collected(write: (take: (piece: Uint8Array) => void) => void): Uint8Array {
  const kept: Uint8Array[] = [];
  write((piece) => kept.push(piece));
  return new Uint8Array(Buffer.concat(kept));
}

function* stepsOfCodec(bytes: Uint8Array): Generator<Step, void, void> {
  for (const read of codec.changes(bytes)) {
    yield { change: read, read };
  }
}

function* stepsOfEngine(changes: Iterable<Change>): Generator<Step, void, void> {
  for (const change of changes) yield { change };
}

function steps(bytes: Uint8Array, size: number, inverted: boolean): Iterator<Step> {
  if (byCodec) return stepsOfCodec(inverted ? codec.invert(bytes) : bytes);
  if (size > 0) return stepsOfEngine(Changeset.read(pieces(bytes, size), inverted));
  return stepsOfEngine(inverted ? Changeset.read([bytes], true) : new Changeset(bytes));
}

/** Converts values to pairs of type and value for Tcl. */
function pairs(values: ChangeValues): Wire[] {
  return values.flatMap((value): Wire[] => {
    if (value === undefined) return ['', ''];
    if (value === null) return ['n', ''];
    if (typeof value === 'bigint') return ['i', value];
    if (typeof value === 'number') return ['f', value];
    return [typeof value === 'string' ? 't' : 'b', value];
  });
}

function changeForTcl({ op, table, indirect, key, old, new: fresh }: Change): Wire[] {
  const letters = key.map((place) => (place ? 'X' : '.')).join('');
  return [
    op.toUpperCase(),
    table,
    BigInt(indirect),
    letters,
    op === 'insert' ? [] : pairs(old),
    op === 'delete' ? [] : pairs(fresh),
  ];
}

/** Creates the session again with its current settings. */
function remake(session: SessionForTcl, filter?: (table: string) => boolean): void {
  const { database, name, size, rowid, attached } = session;
  const { enabled, indirect } = session.session;
  session.session.close();
  session.session = database.createSession({
    db: name,
    size,
    rowid,
    tables: [],
    ...(filter && { filter }),
  });
  for (const table of attached) attach(session.session, table);
  session.session.enabled = enabled;
  session.session.indirect = indirect;
}

function attach(session: Session, table: string): void {
  if (table === '*') session.attach();
  else session.attach(table);
}

const conflictNames = new Map<number, string>([
  [constants.SQLITE_CHANGESET_DATA, 'DATA'],
  [constants.SQLITE_CHANGESET_NOTFOUND, 'NOTFOUND'],
  [constants.SQLITE_CHANGESET_CONFLICT, 'CONFLICT'],
  [constants.SQLITE_CHANGESET_CONSTRAINT, 'CONSTRAINT'],
]);

const flagNames: Readonly<Record<string, string>> = {
  '-nosavepoint': 'noSavepoint',
  '-noaction': 'fkNoAction',
  '-invert': 'invert',
  '-ignorenoop': 'ignoreNoop',
  '-noupdateloop': 'noUpdateLoop',
};

type Conflict = Parameters<NonNullable<NonNullable<Parameters<DatabaseSync['apply']>[1]>['onConflict']>>[1];

function conflictHandler(script: number): (kind: number, conflict: Conflict) => number {
  return (kind, conflict) => {
    if (kind === constants.SQLITE_CHANGESET_FOREIGN_KEY) {
      return Number(askBack('conflict', script, 'FOREIGN_KEY', BigInt(conflict.foreignKeyViolations)));
    }
    const { op, table } = conflict;
    const said: Wire[] = [op.toUpperCase(), table, conflictNames.get(kind) ?? ''];
    if (op !== 'insert') said.push(pairs(conflict.old));
    if (op !== 'delete') said.push(pairs(conflict.new));
    if (kind === constants.SQLITE_CHANGESET_DATA || kind === constants.SQLITE_CHANGESET_CONFLICT) {
      said.push(pairs(conflict.conflicting));
    }
    return Number(askBack('conflict', script, ...said));
  };
}

/** The script that receives SQLite's error log; 0 if there is none. */
let logScript = 0;

if (!byReport) {
  setErrorLog((code, message) => {
    if (logScript !== 0) askBack('log', logScript, nameOf(code), message);
  });
}

/** SQLite's log messages for warnings of apply(). */
const logged: Readonly<Record<string, (table: string, counts: readonly string[]) => string>> = {
  'missing-table': (table) => `no such table: ${table}`,
  'different-key': (table) => `primary key mismatch for table ${table}`,
  'fewer-columns': (table, [has, wanted]) => `table ${table} has ${has} columns, expected ${wanted} or more`,
};

/** @returns the rebase buffer, if the C function returns one */
function apply(args: Arguments): Wire {
  const database = databases.of(args.integer());
  const bytes = args.bytes();
  const size = args.integer();
  const version = args.integer();
  const flags = Object.fromEntries(
    args.list().map((flag) => [flagNames[String(flag)] ?? String(flag), true]),
  );
  const onConflict = conflictHandler(args.integer());
  const script = args.integer();
  const filtered = args.flag();
  const byTable = (table: string): boolean => askBack('apply-filter', script, table) !== 0n;
  const filterChange = (change: Change): boolean =>
    askBack('apply-filter', script, changeForTcl(change)) !== 0n;
  if (byReport) {
    const known = new Map<string, boolean>();
    const once = ({ table }: Change): boolean => {
      const wanted = known.get(table) ?? byTable(table);
      known.set(table, wanted);
      return wanted;
    };
    const report = database.apply(bytes, {
      ...flags,
      onConflict,
      ...(filtered && { filterChange: version < 3 ? once : filterChange }),
    });
    for (const { kind, table = '', message } of report.warnings) {
      const text = logged[kind]?.(table, message.slice(table.length).match(/\d+/g) ?? []);
      if (text !== undefined && logScript !== 0) {
        askBack('log', logScript, 'SQLITE_SCHEMA', `sqlite3changeset_apply(): ${text}`);
      }
    }
    if (!report.applied) throw refusal(report.problems.length > 0 ? 'SQLITE_CONSTRAINT' : 'SQLITE_ABORT');
    return version > 1 ? report.rebase : '';
  }
  let rebase: Wire = '';
  const applied = database.applyChangeset(size > 0 ? pieces(bytes, size) : bytes, {
    ...flags,
    onConflict,
    ...(filtered && (version < 3 ? { filter: byTable } : { filterChange })),
    ...(version > 1 && {
      onRebase(buffer: Uint8Array) {
        rebase = buffer;
      },
    }),
  });
  if (!applied) throw refusal('SQLITE_ABORT');
  return rebase;
}

type Operation = (args: Arguments) => Wire | undefined;

/** Operations on databases. Their errors are reported by message. */
const sqlOperations: Readonly<Record<string, Operation>> = {
  open: (args) => {
    const path = args.text();
    return databases.add(
      new DatabaseSync(path, {
        readOnly: args.flag(),
        enableForeignKeyConstraints: false,
        enableDoubleQuotedStringLiterals: true,
        defensive: false,
        timeout: 0,
      }),
    );
  },
  close: (args) => {
    databases.take(args.integer())?.close();
    return undefined;
  },
  rows: (args) => {
    const found: Wire[] = [];
    for (const [, row] of statements(databases.of(args.integer()), args.text(), args.list(), false)) {
      found.push(...(row ?? []));
    }
    return found;
  },
  blob: (args) => {
    const database = databases.of(args.integer());
    const [db, table, column] = [args.text(), args.text(), args.text()];
    return blobs.add(database.openBlob(table, column, args.integer(), { db, readOnly: args.flag() }));
  },
  'blob-length': (args) => BigInt(blobs.of(args.integer()).length),
  'blob-read': (args) => {
    const blob = blobs.of(args.integer());
    const at = args.integer();
    return blob.read(at, Math.min(args.integer(), Math.max(0, blob.length - at)));
  },
  'blob-write': (args) => {
    const blob = blobs.of(args.integer());
    const at = args.integer();
    blob.write(args.bytes(), at);
    return undefined;
  },
  'blob-close': (args) => {
    blobs.take(args.integer())?.close();
    return undefined;
  },
  query: (args) => queries.add(statements(databases.of(args.integer()), args.text(), args.list(), true)),
  next: (args) => {
    const { value } = queries.of(args.integer()).next();
    if (!value) return [];
    const [columns, row] = value;
    return row ? [columns, row] : [columns];
  },
  end: (args) => {
    queries.take(args.integer())?.return();
    return undefined;
  },
  number: (args) => {
    const database = databases.of(args.integer());
    const name = args.text() === 'last_insert_rowid' ? 'last_insert_rowid' : 'changes';
    return [...statements(database, `SELECT ${name}()`, [], false)][0]?.[1]?.[0];
  },
  autocommit: (args) => BigInt(!databases.of(args.integer()).isTransaction),
  function: (args) => {
    const database = databases.of(args.integer());
    const name = args.text();
    const script = args.integer();
    const deterministic = args.flag();
    database.function(name, { varargs: true, useBigIntArguments: true, deterministic }, (...values) =>
      askBack('function', script, values),
    );
    return undefined;
  },
  md5: (args) => createHash('md5').update(args.text()).digest('hex'),
};

const sessionOperations: Readonly<Record<string, Operation>> = {
  session: (args) => {
    const database = databases.of(args.integer());
    const name = args.text();
    const session = database.createSession({ db: name, tables: [], size: true });
    return sessions.add({ database, name, attached: [], size: true, rowid: false, session });
  },
  'session-delete': (args) => {
    sessions.take(args.integer())?.session[Symbol.dispose]();
    return undefined;
  },
  'session-attach': (args) => {
    const { session, attached } = sessions.of(args.integer());
    const table = args.text();
    attach(session, table);
    attached.push(table);
    return undefined;
  },
  'session-changeset': (args) => {
    const { session } = sessions.of(args.integer());
    const kind = args.flag() ? 'patchset' : 'changeset';
    return args.integer() > 0 ? collected((take) => session.writeTo(take, kind)) : session[kind]();
  },
  'session-enable': (args) => {
    const { session } = sessions.of(args.integer());
    const on = args.integer();
    if (on >= 0) session.enabled = on > 0;
    return BigInt(session.enabled);
  },
  'session-indirect': (args) => {
    const { session } = sessions.of(args.integer());
    const on = args.integer();
    if (on >= 0) session.indirect = on > 0;
    return BigInt(session.indirect);
  },
  'session-isempty': (args) => BigInt(sessions.of(args.integer()).session.isEmpty),
  'session-memory_used': (args) => BigInt(sessions.of(args.integer()).session.memoryUsed),
  'session-changeset_size': (args) => BigInt(sessions.of(args.integer()).session.changesetSize),
  'session-filter': (args) => {
    const session = sessions.of(args.integer());
    const script = args.integer();
    remake(session, (table) => askBack('session-filter', script, table) !== 0n);
    return undefined;
  },
  'session-diff': (args) => {
    const { session } = sessions.of(args.integer());
    session.diff(args.text(), args.text());
    return undefined;
  },
  'session-config': (args) => {
    const session = sessions.of(args.integer());
    const option = args.text() === 'rowid' ? 'rowid' : 'size';
    const on = args.integer();
    if (on < 0) return BigInt(session[option]);
    if (session.attached.length > 0) return 'SQLITE_MISUSE';
    session[option] = on > 0;
    remake(session);
    return BigInt(on > 0);
  },
  'exec-changeset': (args) => {
    const database = databases.of(args.integer());
    using session = database.createSession({ rowid: true });
    database.exec(args.text());
    return session.changeset();
  },
  log: (args) => {
    logScript = args.integer();
    return undefined;
  },
  config: (args) => {
    if (args.text() !== 'strm_size') throw refusal('SQLITE_MISUSE');
    const size = args.integer();
    return BigInt(size > 0 ? Changeset.pieceSize(size) : Changeset.pieceSize());
  },
  iterate: (args) =>
    iterators.add({
      steps: steps(args.bytes(), args.integer(), args.flag()),
      now: undefined,
      done: false,
      code: 'SQLITE_OK',
    }),
  /** Moves to the next change. Throws on an error. */
  'iterator-change': (args) => {
    const { value } = iterators.of(args.integer()).steps.next();
    return value ? changeForTcl(value.change) : [];
  },
  'iterator-next': (args) => {
    const iterator = iterators.of(args.integer());
    if (iterator.done) return iterator.code === 'SQLITE_OK' ? 'SQLITE_DONE' : iterator.code;
    iterator.now = undefined;
    try {
      const { value } = iterator.steps.next();
      iterator.now = value ?? undefined;
    } catch (error) {
      iterator.code = failure(error, nameOf, false).code;
    }
    if (iterator.now) return 'SQLITE_ROW';
    iterator.done = true;
    return iterator.code === 'SQLITE_OK' ? 'SQLITE_DONE' : iterator.code;
  },
  'iterator-data': (args) => {
    const { now } = iterators.of(args.integer());
    return now ? changeForTcl(now.change) : [];
  },
  'iterator-finalize': (args) => {
    const iterator = iterators.take(args.integer());
    iterator?.steps.return?.();
    return iterator?.code ?? 'SQLITE_OK';
  },
  invert: (args) => {
    const bytes = args.bytes();
    const size = args.integer();
    if (byCodec) return codec.invert(bytes);
    if (size === 0) return new Changeset(bytes).invert().bytes;
    return collected((take) => Changeset.invertTo(pieces(bytes, size), take));
  },
  concat: (args) => {
    const [first, second, size] = [args.bytes(), args.bytes(), args.integer()];
    if (byCodec) return codec.concat(first, second);
    if (size === 0) return new Changeset(first).concat(second).bytes;
    return collected((take) => Changeset.concatTo(pieces(first, size), pieces(second, size), take));
  },
  apply,
  'apply-replace-all': (args) => {
    const applied = databases.of(args.integer()).applyChangeset(args.bytes(), {
      onConflict: (kind) =>
        kind === constants.SQLITE_CHANGESET_DATA
          ? constants.SQLITE_CHANGESET_REPLACE
          : constants.SQLITE_CHANGESET_OMIT,
    });
    if (!applied) throw refusal('SQLITE_ABORT');
    return '';
  },
  group: () => groups.add(new GroupForTcl(byCodec)),
  'group-schema': (args) => {
    groups.of(args.integer()).schema(databases.of(args.integer()), args.text());
    return undefined;
  },
  'group-add': (args) => {
    groups.of(args.integer()).add(args.bytes());
    return undefined;
  },
  'group-output': (args) => groups.of(args.integer()).output(),
  'group-delete': (args) => {
    groups.take(args.integer())?.[Symbol.dispose]();
    return undefined;
  },
  'group-add-change': (args) => {
    const group = groups.of(args.integer());
    const { now } = iterators.of(args.integer());
    group.addChange(now?.change, now?.read);
    return undefined;
  },
  'group-config': (args) => {
    const group = groups.of(args.integer());
    if (args.text() !== 'patchset') throw refusal('SQLITE_MISUSE');
    return BigInt(group.patchset(args.integer()));
  },
  'group-begin': (args) => {
    groups.of(args.integer()).begin(args.integer(), args.text(), args.flag());
    return undefined;
  },
  'group-value': (args) => {
    const group = groups.of(args.integer());
    group.value(args.text() === 'new' ? 'new' : 'old', args.integer(), args.value() as SqlValue);
    return undefined;
  },
  'group-finish': (args) => {
    groups.of(args.integer()).finish(args.flag());
    return undefined;
  },
  rebaser: () => rebasers.add(new Rebaser()),
  'rebaser-configure': (args) => {
    rebasers.of(args.integer()).configure(args.bytes());
    return undefined;
  },
  'rebaser-rebase': (args) => {
    const rebaser = rebasers.of(args.integer());
    const bytes = args.bytes();
    const size = args.integer();
    if (size === 0) return rebaser.rebase(bytes).bytes;
    return collected((take) => rebaser.rebaseTo(pieces(bytes, size), take));
  },
  'rebaser-delete': (args) => {
    rebasers.take(args.integer())?.close();
    return undefined;
  },
};

/** Handles requests until Tcl returns from a callback, or ends. */
function serve(): Wire | undefined {
  for (;;) {
    const line = pipe.read();
    if (line === undefined) process.exit(0);
    const [kind, ...rest] = tokens(line);
    const values = rest.map(decode);
    if (kind === 'r') return values[0];
    if (kind === 'x') throw new Error(String(values[0]));
    const [name, ...given] = values;
    const operation = String(name);
    let answer: string;
    try {
      const run = sqlOperations[operation] ?? sessionOperations[operation];
      if (!run) throw new Error(`there is no ${operation}`);
      answer = `r ${encode(run(new Arguments(given)) ?? '')}`;
    } catch (error) {
      const { text, code, message } = failure(error, nameOf, operation in sqlOperations);
      answer = `e ${encode(text)} ${encode(code)} ${encode(message)}`;
    }
    pipe.write(answer);
  }
}
serve();
