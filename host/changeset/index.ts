/**
 * Reads, checks, changes and writes changesets and patchsets in plain TypeScript, without SQLite or WebAssembly.
 * Published as `sqlite-wasm-run/changeset`.
 */

export { changes } from './changes.js';
export { ChangesetError } from './errors.js';
export type { Change, Head, Operation, Raw, Table, Value, Values, WrittenChange } from './format.js';
export { concat, Group } from './group.js';
export { invert } from './invert.js';
export {
  type ColumnNames,
  fromJson,
  type JsonChange,
  type JsonChangeset,
  type JsonTable,
  type JsonValue,
  toJson,
} from './json.js';
export { ChangesetReader, type ReaderOptions } from './reader.js';
export { type SqlOptions, sqlStatements, toSql } from './sql.js';
export { statistics, type TableStatistics } from './statistics.js';
export { changesFrom } from './stream.js';
export { type Fault, validate } from './validate.js';
export { encode } from './writer.js';
