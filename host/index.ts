/** The public API. */

import { Engine } from './db/engine.js';
import { useEngine } from './db/thread.js';
import { extensionLoader } from './loader/loader.js';
import { nodeFileSystem } from './vfs/node.js';

useEngine(
  () =>
    new Engine({
      fileSystems: [nodeFileSystem({ locking: 'auto' }), nodeFileSystem({ locking: 'none' })],
      extensions: (engine) => extensionLoader(engine),
    }),
);

import { backup } from './db/backup.js';
import { constants, DatabaseSync } from './db/database.js';
import { Session } from './db/session.js';
import { StatementSync } from './db/statement.js';

/** What `import sqlite from 'node:sqlite'` has. */
export default { backup, constants, DatabaseSync, Session, StatementSync };

export { SqliteError } from './core/errors.js';
export type { AggregateOptions } from './db/aggregate.js';
export type { Authorizer } from './db/authorizer.js';
export { type BackupOptions, backup } from './db/backup.js';
export { Capture } from './db/capture.js';
export {
  type CaptureEntry,
  decodeCapture,
  encodeCapture,
  type StatementSettings,
} from './db/capture-format.js';
export type { Change, ChangeValues, Conflict, Operation } from './db/changes.js';
export { type ChangeLike, Changeset, ChangesetGroup, type ChangesetLike } from './db/changeset.js';
export type { ConflictReport, NamedValues } from './db/conflict-report.js';
export {
  type ApplyOptions,
  type CaptureOptions,
  constants,
  type DatabaseOptions,
  DatabaseSync,
  type FunctionOptions,
  type SessionCreation,
} from './db/database.js';
export type { FolderGrant, Grants } from './db/grants.js';
export type { ConflictAction, ConflictKind, Policy, PolicyName, PolicyRule } from './db/policy.js';
export { Rebaser } from './db/rebaser.js';
export type { CaptureReport } from './db/replay.js';
export type { ApplyReport, ReportOptions } from './db/report.js';
export type { Row } from './db/rows.js';
export type { Warning } from './db/schema.js';
export { Session } from './db/session.js';
export type { Column, RunResult, StatementOptions, SupportedValueType } from './db/statement.js';
export { StatementSync } from './db/statement.js';
export type { TableReport } from './db/tally.js';
export { type CallOptions, DatabaseWorker, type DatabaseWorkerOptions, TimeoutError } from './db/worker.js';
export { type HostInterfaces, type HostOptions, hostImports, hostInterfaces } from './host.js';
