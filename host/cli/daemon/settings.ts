/**
 * Tracks the settings of each client, because all clients share one connection. Before a statement runs, the settings
 * of its client are put into effect.
 */

import type { Action } from '../../api/actions.js';
import { SQLITE_AUTH } from '../../core/constants.js';
import { SqliteError, sqliteError } from '../../core/errors.js';
import type { DatabaseSync } from '../../index.js';
import { quotedName } from '../../kernel/query.js';
import { temporarySubject } from '../journal/guard.js';
import { bare } from '../journal/recorder.js';

/** Pragmas that a client can set for itself. Each of them returns and accepts an integer. */
const ownPragmas = [
  'analysis_limit',
  'automatic_index',
  'busy_timeout',
  'cache_size',
  'cache_spill',
  'cell_size_check',
  'checkpoint_fullfsync',
  'count_changes',
  'empty_result_callbacks',
  'foreign_keys',
  'full_column_names',
  'fullfsync',
  'ignore_check_constraints',
  'journal_size_limit',
  'legacy_alter_table',
  'max_page_count',
  'mmap_size',
  'query_only',
  'read_uncommitted',
  'recursive_triggers',
  'reverse_unordered_selects',
  'secure_delete',
  'short_column_names',
  'synchronous',
  'threads',
  'trusted_schema',
  'wal_autocheckpoint',
] as const;

type Settings = Map<string, bigint>;

interface Own {
  readonly settings: Settings;
  readonly attached: Set<string>;
  /** The temporary tables and views that the client created. */
  readonly temporary: Set<string>;
}

export class ClientSettings {
  readonly #database: DatabaseSync;
  /** The default values. */
  readonly #common: Settings = new Map();
  readonly #own = new Map<number, Own>();
  /** The values in effect that differ from the default. */
  #inForce: Settings = new Map();

  constructor(database: DatabaseSync) {
    this.#database = database;
    for (const name of ownPragmas) {
      const value = this.#read(name);
      if (value !== undefined) this.#common.set(name, value);
    }
  }

  /** Puts the settings of a client into effect. Do not call this in a transaction. */
  enter(client: number): void {
    const wanted = this.#own.get(client)?.settings ?? new Map<string, bigint>();
    for (const [name, value] of this.#common) {
      const now = this.#inForce.get(name) ?? value;
      const next = wanted.get(name) ?? value;
      if (now !== next) this.#database.exec(`PRAGMA ${name}=${next}`);
    }
    this.#inForce = wanted;
  }

  /** Records what a client's statement set or created. */
  noticed(client: number, sql: string, madeTemporary: boolean): void {
    const text = bare(sql);
    if (madeTemporary || /^(?:alter|drop)\b/i.test(text)) this.#noticeTemporary(client);
    const pragma = /^pragma\s+(?:[^.=(;]*\.\s*)?(\w+)\s*[=(]/i.exec(text)?.[1]?.toLowerCase();
    if (pragma !== undefined && this.#common.has(pragma)) {
      const value = this.#read(pragma);
      const { settings } = this.#of(client);
      if (value === undefined || value === this.#common.get(pragma)) settings.delete(pragma);
      else settings.set(pragma, value);
      this.#inForce = settings;
    } else if (/^(?:attach|detach)\b/i.test(text)) this.#noticeAttached(client);
  }

  /** Forgets temporary tables and views that no longer exist. Call this before a statement is compiled. */
  forgetGone(): void {
    const owners = [...this.#own.values()].filter(({ temporary }) => temporary.size > 0);
    if (owners.length === 0) return;
    const there = this.#temporary();
    for (const { temporary } of owners) {
      for (const name of temporary) if (!there.has(name)) temporary.delete(name);
    }
  }

  /** The reason why a client may not use the temporary table or view of an action; undefined if it may. */
  refusal(client: number, action: Action): string | undefined {
    for (const name of [temporarySubject(action), action.source ?? undefined]) {
      const why = name === undefined ? undefined : this.#refusalOf(client, name);
      if (why !== undefined) return why;
    }
    return undefined;
  }

  /**
   * Refuses a compiled statement that opens another client's temporary table. SQLite does not call the authorizer for a
   * table in EXISTS if no column of the table is read.
   *
   * @throws SqliteError (SQLITE_AUTH)
   */
  refuseOthers(client: number, sql: string): void {
    if ([...this.#own].every(([other, { temporary }]) => other === client || temporary.size === 0)) return;
    const opened = this.#database.prepare("SELECT name FROM tables_used(?) WHERE schema='temp'").all(sql);
    for (const { name } of opened) {
      const why = this.#refusalOf(client, String(name));
      if (why !== undefined) throw sqliteError(SQLITE_AUTH, why);
    }
  }

  #refusalOf(client: number, table: string): string | undefined {
    const subject = table.toLowerCase();
    for (const [other, { temporary }] of this.#own) {
      if (other === client) continue;
      for (const name of temporary) {
        if (name.toLowerCase() === subject) return `temp.${name} belongs to another client of the daemon`;
      }
    }
    return undefined;
  }

  /**
   * Discards the settings, attached databases and temporary tables of a client that has disconnected. Do not call this
   * in a transaction.
   */
  leave(client: number): void {
    const own = this.#own.get(client);
    if (!own) return;
    this.enter(-1);
    for (const name of own.temporary) {
      this.#try(`DROP TABLE IF EXISTS temp.${quotedName(name)}`);
      this.#try(`DROP VIEW IF EXISTS temp.${quotedName(name)}`);
    }
    for (const name of own.attached) this.#try(`DETACH ${quotedName(name)}`);
    this.#own.delete(client);
  }

  /** Runs a statement that drops or detaches something. Ignores errors of SQLite. */
  #try(sql: string): void {
    try {
      this.#database.exec(sql);
    } catch (error) {
      if (!(error instanceof SqliteError)) throw error;
    }
  }

  #of(client: number): Own {
    let own = this.#own.get(client);
    if (!own) {
      own = { settings: new Map(), attached: new Set(), temporary: new Set() };
      this.#own.set(client, own);
    }
    return own;
  }

  #noticeAttached(client: number): void {
    const there = this.#names("SELECT name FROM pragma_database_list WHERE name NOT IN ('main', 'temp')");
    this.#notice(client, there, ({ attached }) => attached);
  }

  #noticeTemporary(client: number): void {
    this.#notice(client, this.#temporary(), ({ temporary }) => temporary);
  }

  #temporary(): Set<string> {
    return this.#names("SELECT name FROM temp.sqlite_schema WHERE type IN ('table', 'view')");
  }

  /** Records that new objects belong to the client. */
  #notice(client: number, there: ReadonlySet<string>, of: (own: Own) => Set<string>): void {
    const known = new Set<string>();
    for (const own of this.#own.values()) {
      for (const name of of(own)) {
        if (there.has(name)) known.add(name);
        else of(own).delete(name);
      }
    }
    for (const name of there) if (!known.has(name)) of(this.#of(client)).add(name);
  }

  #names(sql: string): Set<string> {
    return new Set(
      this.#database
        .prepare(sql)
        .all()
        .map(({ name }) => String(name)),
    );
  }

  #read(name: string): bigint | undefined {
    const statement = this.#database.prepare(`PRAGMA ${name}`, { readBigInts: true, returnArrays: true });
    const [value] = (statement.get() as unknown as unknown[] | undefined) ?? [];
    return typeof value === 'bigint' ? value : undefined;
  }
}
