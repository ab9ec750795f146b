/**
 * Changesets and patchsets in plain TypeScript: read, check, change, write, without an engine and without
 * WebAssembly. Published as `sqlite-wasm-run/changeset`.
 */

export {
  type Change,
  ChangesetError,
  type Operation,
  type Table,
  type Value,
  type Values,
} from './format.js';
export {
  type ColumnNames,
  fromJson,
  type JsonChange,
  type JsonChangeset,
  type JsonTable,
  type JsonValue,
  toJson,
} from './json.js';
export { ChangesetReader, changes, type Fault, validate } from './reader.js';
export { type SqlOptions, sqlStatements, toSql } from './sql.js';
export { statistics, type TableStatistics } from './statistics.js';
export { concat, Group, invert } from './transform.js';
export { encode } from './writer.js';
