/** The entry `sqlite-wasm-run/replica`: copies of a database that are kept equal over a log. */

import '../index.js'; // makes the engine

export type { CaptureEntry, StatementSettings } from '../recording/capture-format.js';
export { type Adopted, adoptChanges } from './adopt.js';
export { ReplicaError, type ReplicaReason } from './errors.js';
export type { AppliedMessage, Committed, Placed, ReplicaEvents, ReplicaStatus } from './events.js';
export { type FeedMessage, type FeedOptions, type FeedPosition, feed } from './feed.js';
export type { RegisteredFunction } from './functions.js';
export type { MessageLimits } from './limits.js';
export type { Log, LogMessage, LogObject, LogState } from './log.js';
export type { MessageHead, ObjectReference, Transaction, TransactionHead } from './message.js';
export { type NatsOptions, natsLog } from './nats.js';
export type { NatsServer } from './nats-connection.js';
export type { ReplicaOptions, TransactionOptions, UndoOptions, UndoPolicy } from './options.js';
export type { ReplicaPolicy } from './rebase.js';
export { Replica } from './replica.js';
export type { Snapshot } from './snapshot.js';
export type { Call, LocalTransaction, RejectedTransaction, RejectionKind } from './state.js';
export type { StepwiseTransaction } from './steps.js';
export type { Trimmed } from './trim.js';
export type { CopyDigests, TableDigest, Verified } from './verify.js';
