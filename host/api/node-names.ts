/** Types under the names that `@types/node` gives them in `node:sqlite`. */

import type { SqlValue } from '../kernel/values.js';
import type { ApplyOptions, DatabaseOptions } from './database.js';
import type { SessionCreation } from './session.js';
import type { Column, RunResult, SupportedValueType } from './statement.js';

export type DatabaseSyncOptions = DatabaseOptions;
export type CreateSessionOptions = SessionCreation;
export type ApplyChangesetOptions = ApplyOptions;
export type SQLInputValue = SupportedValueType;
export type SQLOutputValue = SqlValue;
export type StatementColumnMetadata = Column;
export type StatementResultingChanges = RunResult;
