/** Caches facts about the schema of a copy until the schema changes. */

import type { Connection } from '../kernel/connection.js';
import { query } from '../kernel/query.js';
import { hasKey, hasNullableKey, schemaVersion, tableShape } from '../kernel/schema.js';
import { hasCollatedKey } from '../recording/collated-keys.js';
import { ownPrefix, travels } from './allowed.js';
import { fullTextTables, Kept } from './fulltext.js';
import { digestOf } from './message.js';

export interface TableFacts {
  readonly kind: 'table' | 'virtual' | 'shadow' | 'view' | 'missing';
  readonly hasKey: boolean;
  /** The number of columns in its changesets. A table without a primary key has the rowid as an additional column. */
  readonly columns: number;
  /** The key columns that can be NULL. Sessions do not record rows with NULL in the key. */
  readonly nullableKey: readonly string[];
  /** A name of the rowid that no column of the table uses. */
  readonly rowid: string | undefined;
  /** Whether the collation of the key can treat different values as equal. */
  readonly hasCollatedKey: boolean;
}

export class SchemaFacts {
  readonly #connection: Connection;
  readonly #tables = new Map<string, TableFacts>();
  #version = -1n;
  #digest: string | undefined;
  #hasNullableKeys: boolean | undefined;
  #kept: Kept | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The digest of the schema, without the tables of the replica and of SQLite. */
  get digest(): string {
    this.#renew();
    this.#digest ??= this.#readDigest();
    return this.#digest;
  }

  /** Whether any table has a key that can be NULL. */
  get hasNullableKeys(): boolean {
    this.#renew();
    this.#hasNullableKeys ??= query(
      this.#connection,
      "SELECT name FROM pragma_table_list WHERE schema='main' AND type='table'",
    ).some(([name]) => travels(String(name)) && this.of(String(name)).nullableKey.length > 0);
    return this.#hasNullableKeys;
  }

  of(table: string): TableFacts {
    this.#renew();
    const name = table.toLowerCase();
    let facts = this.#tables.get(name);
    if (!facts) {
      facts = this.#read(table);
      this.#tables.set(name, facts);
    }
    return facts;
  }

  /** The full-text tables and their shadow tables. */
  get kept(): Kept {
    this.#renew();
    this.#kept ??= new Kept(fullTextTables(this.#connection));
    return this.#kept;
  }

  /** Clears the cache. After a rollback, the same schema version can denote another schema. */
  forget(): void {
    this.#version = -1n;
  }

  #renew(): void {
    const version = schemaVersion(this.#connection, 'main');
    if (version === this.#version) return;
    this.#version = version;
    this.#tables.clear();
    this.#digest = undefined;
    this.#hasNullableKeys = undefined;
    this.#kept = undefined;
  }

  #read(table: string): TableFacts {
    const connection = this.#connection;
    const shape = tableShape(connection, 'main', table);
    if (!shape) {
      return {
        kind: 'missing',
        hasKey: false,
        columns: 0,
        nullableKey: [],
        rowid: undefined,
        hasCollatedKey: false,
      };
    }
    const names = new Set(shape.columns.map((name) => name.toLowerCase()));
    const isTable = shape.kind === 'table' || shape.kind === 'shadow';
    const keyed = isTable && hasKey(table, shape);
    return {
      kind: shape.kind,
      hasKey: keyed,
      columns: shape.columns.length + (keyed ? 0 : 1),
      nullableKey:
        keyed && hasNullableKey(connection, 'main', table)
          ? shape.columns.filter((_, i) => (shape.key[i] ?? 0) > 0)
          : [],
      rowid: ['rowid', '_rowid_', 'oid'].find((name) => !names.has(name)),
      hasCollatedKey: keyed && hasCollatedKey(connection, 'main', table),
    };
  }

  #readDigest(): string {
    const rows = query(
      this.#connection,
      `SELECT json_array(type, name, tbl_name, sql) FROM main.sqlite_schema
         WHERE lower(substr(tbl_name, 1, length(?1)))<>?1 AND lower(substr(name, 1, 7))<>'sqlite_'
         ORDER BY type, name`,
      ownPrefix,
    );
    return digestOf(Buffer.from(rows.map(([row]) => String(row)).join('\n')));
  }
}
