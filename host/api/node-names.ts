/** Types under the names that `@types/node` gives them in `node:sqlite`. */

import type { SqlValue } from '../kernel/values.js';
import type { ApplyOptions, DatabaseOptions } from './database.js';
import type { SupportedValueType } from './parameters.js';
import type { SessionCreation } from './session.js';
import type { Column, RunResult } from './statement.js';

/** {@link DatabaseOptions} by its name in `@types/node`. */
export type DatabaseSyncOptions = DatabaseOptions;
/** {@link SessionCreation} by its name in `@types/node`. */
export type CreateSessionOptions = SessionCreation;
/** {@link ApplyOptions} by its name in `@types/node`. */
export type ApplyChangesetOptions = ApplyOptions;
/** {@link SupportedValueType} by its name in `@types/node`. */
export type SQLInputValue = SupportedValueType;
/** {@link SqlValue} by its name in `@types/node`. */
export type SQLOutputValue = SqlValue;
/** {@link Column} by its name in `@types/node`. */
export type StatementColumnMetadata = Column;
/** {@link RunResult} by its name in `@types/node`. */
export type StatementResultingChanges = RunResult;
