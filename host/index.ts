/** The public API. */

import { useDefaultEngine } from './components/default-engine.js';

useDefaultEngine();

import { backup } from './api/backup.js';
import { constants } from './api/constants.js';
import { DatabaseSync } from './api/database.js';
import { Session } from './api/session.js';
import { StatementSync } from './api/statement.js';

/** The same members as the default export of `node:sqlite`. */
export default { backup, constants, DatabaseSync, Session, StatementSync };

export type { AggregateOptions } from './api/aggregate.js';
export type { Authorizer } from './api/authorizer.js';
export { type BackupOptions, backup } from './api/backup.js';
export { BlobHandle, type BlobOptions } from './api/blob-handle.js';
export { Capture, type CaptureOptions } from './api/capture.js';
export { Changeset, ChangesetGroup, type ChangesetLike } from './api/changeset.js';
export { constants } from './api/constants.js';
export {
  type ApplyOptions,
  type DatabaseOptions,
  DatabaseSync,
} from './api/database.js';
export {
  type CallOptions,
  DatabaseWorker,
  type DatabaseWorkerOptions,
  TimeoutError,
} from './api/database-worker.js';
export { setErrorLog } from './api/error-log.js';
export type { Limits } from './api/limits.js';
export type {
  ApplyChangesetOptions,
  CreateSessionOptions,
  DatabaseSyncOptions,
  SQLInputValue,
  SQLOutputValue,
  StatementColumnMetadata,
  StatementResultingChanges,
} from './api/node-names.js';
export type { SupportedValueType } from './api/parameters.js';
export { Rebaser } from './api/rebaser.js';
export type { RowIterator } from './api/row-iterator.js';
export type { Row } from './api/rows.js';
export type { FunctionOptions } from './api/scalar-function.js';
export { Session, type SessionCreation } from './api/session.js';
export {
  type Column,
  type RunResult,
  type StatementOptions,
  StatementSync,
} from './api/statement.js';
export { type Preparing, SQLTagStore } from './api/tag-store.js';
export type { ApplyFlags, ReportOptions } from './applying/apply-options.js';
export type { Conflict } from './applying/changes.js';
export type { Pieces, Take } from './applying/changeset-streams.js';
export type {
  ConflictAction,
  ConflictKind,
  Policy,
  PolicyName,
  PolicyRule,
} from './applying/conflict-policy.js';
export type { ConflictReport, NamedValues } from './applying/conflict-report.js';
export type { CaptureReport } from './applying/replay.js';
export type { ApplyReport } from './applying/report.js';
export type { TableReport } from './applying/tally.js';
export type { ChangeLike } from './applying/transform.js';
export type { Change, Operation, Values as ChangeValues } from './changeset/format.js';
export { type ErrorDetails, type ErrorReason, SqliteError } from './core/errors.js';
export { type HostInterfaces, type HostOptions, hostImports, hostInterfaces } from './host.js';
export type { FolderGrant, Grants } from './kernel/grants.js';
export type { Warning } from './kernel/schema.js';
export type { SqlValue } from './kernel/values.js';
export type { ChangesetKind } from './recording/c-session.js';
export {
  type CaptureEntry,
  decodeCapture,
  encodeCapture,
  type StatementSettings,
} from './recording/capture-format.js';
