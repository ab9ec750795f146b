/** The public API. */

import { connectionOf } from './db/connections.js';
import type { DatabaseSync } from './db/database.js';
import { Engine } from './db/engine.js';
import { useEngine } from './db/thread.js';
import { importsFor } from './interfaces/index.js';
import { extensionLoader } from './loader/loader.js';
import { nodeFileSystem } from './vfs/node.js';

useEngine(
  () =>
    new Engine({
      fileSystems: [nodeFileSystem({ locking: 'auto' }), nodeFileSystem({ locking: 'none' })],
      extensions: (engine) => extensionLoader(engine),
    }),
);

/**
 * The host's interfaces for a component of your own world, bound to an open database: an import object with
 * every interface under its name, with and without version. Spread it into the imports of an `instantiate`
 * that jco made.
 *
 * @throws Error (ERR_INVALID_STATE) where the database is closed
 */
export function hostImports(database: DatabaseSync, component = 'component'): Record<string, object> {
  return importsFor(connectionOf(database), component);
}

export { SqliteError } from './core/errors.js';
export type { Change, ChangeValues, Conflict, Operation } from './db/changes.js';
export { Changeset, ChangesetGroup, type ChangesetLike } from './db/changeset.js';
export {
  type ApplyOptions,
  constants,
  type DatabaseOptions,
  DatabaseSync,
  type FunctionOptions,
  type SessionCreation,
} from './db/database.js';
export type { FolderGrant, Grants } from './db/grants.js';
export type { ConflictAction, ConflictKind, Policy, PolicyName, PolicyRule } from './db/policy.js';
export type { ApplyReport, ReportOptions, TableReport } from './db/report.js';
export type { Warning } from './db/schema.js';
export { Session } from './db/session.js';
export type { Column, Row, RunResult, StatementOptions, SupportedValueType } from './db/statement.js';
export { StatementSync } from './db/statement.js';
export { type CallOptions, DatabaseWorker, type DatabaseWorkerOptions, TimeoutError } from './db/worker.js';
