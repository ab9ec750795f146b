/**
 * The daemon's database. It captures the changes of the clients' statements, and writes each transaction to the journal
 * before the commit.
 */

import { connectionOf } from '../../api/connections.js';
import { statistics } from '../../changeset/index.js';
import type { Capture, DatabaseSync } from '../../index.js';
import type { SqlValue } from '../../kernel/values.js';
import { apartMessage, refuseUnrecorded, sentences, startCapture } from '../changeset/capture.js';
import { changesetsOf, counted } from '../changeset/entries.js';
import { openDatabase } from '../changeset/files.js';
import type { Given } from '../command.js';
import { CommandError } from '../exit.js';
import { markers } from '../journal/format.js';
import { Guard } from '../journal/guard.js';
import type { Journal } from '../journal/journal.js';
import { Marker } from '../journal/marker.js';
import { type Ran, Recorder, type RowSink } from '../journal/recorder.js';
import { say } from '../output.js';
import { statusLine } from '../progress.js';
import { statementEnd } from '../statement.js';
import type { Status } from './messages.js';
import { DaemonOutput } from './output.js';
import { clientRules, refuseStandIns, refuseVacuum } from './rules.js';
import { ClientSettings } from './settings.js';

export class CapturedDatabase {
  /** The path of the database, for messages. */
  readonly #path: string;
  readonly #output: DaemonOutput;
  readonly #database: DatabaseSync;
  readonly #marker: Marker;
  readonly #guard: Guard;
  readonly #recorder: Recorder;
  readonly #settings: ClientSettings;
  readonly #counts: Counts;
  /** The client of the last statement, and the statement. */
  #client = -1;
  #sql = '';
  #timer: NodeJS.Timeout | undefined;
  /** Clients that disconnected while another client's transaction was open. */
  #gone: number[] = [];

  /**
   * Opens the database and the journal, and warns about tables that are not recorded.
   *
   * @throws CommandError if the files cannot be opened or do not match
   */
  constructor(given: Given) {
    const path = given.text('db') ?? '';
    this.#path = path;
    const output = new DaemonOutput(given);
    this.#output = output;
    let opened: DatabaseSync | undefined;
    try {
      output.refuseStrange(path);
      const database = openDatabase(path, { make: true });
      opened = database;
      this.#database = database;
      const begin = (): Capture => startCapture(database, given, [`!${markers}`]);
      {
        using first = begin();
        refuseUnrecorded(first, given);
        for (const sentence of sentences(first.warnings())) say(`warning: ${sentence}`);
      }
      this.#marker = new Marker(database, path);
      output.agree(this.#marker);
      const settings = new ClientSettings(database);
      this.#settings = settings;
      const rule = clientRules(path);
      this.#guard = new Guard(database, (action) => rule(action) ?? settings.refusal(this.#client, action));
      this.#recorder = new Recorder(database, {
        keeper: output.journal,
        witness: this.#marker,
        guard: this.#guard,
        begin,
        remembersTables: output.ddl,
        check: () => {
          refuseStandIns(database, this.#guard.made);
          settings.refuseOthers(this.#client, this.#sql);
        },
      });
      this.#counts = new Counts(output.journal);
    } catch (error) {
      output.journal.abandon();
      opened?.close();
      throw error;
    }
  }

  /** Whether a statement of a client is running. */
  get isRunning(): boolean {
    return this.#recorder.isRunning;
  }

  get inTransaction(): boolean {
    return this.#recorder.inTransaction;
  }

  /** Runs a client's statement. @throws the errors of {@link Recorder.run}; TypeError for several statements */
  run(client: number, sql: string, params: readonly SqlValue[], sink: RowSink): Ran & { note?: string } {
    const end = statementEnd(sql);
    if (end >= 0 && sql.slice(end).trim() !== '')
      throw new TypeError('a request must contain exactly one statement');
    refuseVacuum(sql, this.#path);
    if (!this.inTransaction) {
      Recorder.refuseSavepoint(sql);
      for (const number of this.#gone.splice(0)) this.#settings.leave(number);
      this.#settings.enter(client);
    }
    this.#client = client;
    this.#sql = sql;
    this.#settings.forgetGone();
    const ran = this.#recorder.run(sql, params, sink);
    this.#settings.noticed(client, sql, this.#guard.makesTemporary);
    this.#showStatus();
    if (this.#output.ddl || ran.statements === 0) return ran;
    return { ...ran, note: 'the changeset does not contain its schema changes' };
  }

  /** Interrupts the running statement. */
  interrupt(): void {
    const { db, engine } = connectionOf(this.#database);
    engine.core.c.sqlite3_interrupt(db);
  }

  rollback(): void {
    this.#recorder.rollback();
  }

  /** Discards the settings of a client that has disconnected, after the open transaction if there is one. */
  leave(client: number): void {
    if (this.inTransaction) this.#gone.push(client);
    else this.#settings.leave(client);
  }

  /** Returns the counts of the captured changes. */
  status(): Status {
    return this.#counts.status();
  }

  /**
   * Writes the captured changes and closes the database.
   *
   * @throws CommandError if the output cannot be written, or lacks schema changes
   */
  end(): void {
    clearTimeout(this.#timer);
    statusLine.clear();
    const { journal } = this.#output;
    this.#recorder.close();
    this.#settings.enter(-1);
    const apart = this.#output.hand(this.#database);
    this.#marker.leave();
    journal.remove();
    this.#database.close();
    if (apart) throw new CommandError(apartMessage);
  }

  /** Updates the status line on a terminal, at most a few times a second. The last status is always shown. */
  #showStatus(): void {
    if (this.#timer !== undefined) return;
    const show = (): void => {
      this.#timer = undefined;
      statusLine.show(this.status().text);
    };
    if (statusLine.due) show();
    else if (statusLine.possible) this.#timer = setTimeout(show, 100).unref();
  }
}

/** Counts the committed changes. Each call reads only the new records of the journal. */
class Counts {
  readonly #journal: Journal;
  readonly #tables = new Map<string, { inserts: number; updates: number; deletes: number }>();
  readonly #place = { at: 0 };
  #transactions = 0;
  #statements = 0;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  status(): Status {
    for (const entries of this.#journal.transactions(this.#place)) {
      this.#transactions += 1;
      const changesets = changesetsOf(entries);
      this.#statements += entries.length - changesets.length;
      for (const { table, inserts, updates, deletes } of changesets.flatMap(statistics)) {
        const sum = this.#tables.get(table) ?? { inserts: 0, updates: 0, deletes: 0 };
        sum.inserts += inserts;
        sum.updates += updates;
        sum.deletes += deletes;
        this.#tables.set(table, sum);
      }
    }
    const tables = [...this.#tables].map(([table, sum]) => ({ table, ...sum }));
    const parts = tables.map(
      ({ table, inserts, updates, deletes }) => `${table} +${inserts} ~${updates} -${deletes}`,
    );
    if (this.#statements > 0) parts.push(`schema !${this.#statements}`);
    const captured = `${counted(this.#transactions, 'transaction')} captured`;
    const text = parts.length > 0 ? `${captured}: ${parts.join(', ')}` : captured;
    return { text, data: { transactions: this.#transactions, tables, statements: this.#statements } };
  }
}
