/** Applies row changes in a transaction: the changes of a rejected transaction, or the changes that undo a message. */

import { connectionOf } from '../api/connections.js';
import type { DatabaseSync } from '../api/database.js';
import { applyCapture } from '../applying/replay.js';
import { concat, invert } from '../applying/transform.js';
import { type CaptureEntry, decodeCapture } from '../recording/capture-format.js';
import { replicaError } from './errors.js';
import { isFullText } from './fulltext.js';
import type { Incoming } from './incoming.js';

/**
 * Returns the changes that undo the transactions of a message.
 *
 * @param only the id of the transaction to undo; undefined to undo all transactions of the message
 * @throws ReplicaError `missing`, `schema-change`
 */
export function inverseOf(
  database: DatabaseSync,
  { sequence, message, transactions }: Incoming,
  only: string | undefined,
): readonly CaptureEntry[] {
  if (!message) throw replicaError('missing', `message ${sequence} is void`);
  const chosen = transactions.filter(({ id }) => only === undefined || id === only);
  if (chosen.length === 0) {
    throw replicaError('missing', `message ${sequence} has no transaction with the id ${only}`);
  }
  const changesets = chosen.flatMap(({ entries }) =>
    entries.map((entry) => {
      if (entry.kind === 'changeset') return entry.bytes;
      throw replicaError('schema-change', `message ${sequence} changes the schema, which cannot be undone`);
    }),
  );
  const { engine } = connectionOf(database);
  return [{ kind: 'changeset', bytes: invert(engine.core, concat(engine, changesets)) }];
}

/** Applies changes with a conflict policy. @throws ReplicaError `rejected` if they conflict with the database */
export function applyCaptured(
  database: DatabaseSync,
  changes: Uint8Array | readonly CaptureEntry[],
  policy: 'abort' | 'ours' | 'theirs',
): void {
  const entries = changes instanceof Uint8Array ? decodeCapture(changes) : changes;
  const connection = connectionOf(database);
  const { applied, entries: reports } = applyCapture(connection, entries, {
    policy,
    triggers: false,
    conflicts: 1,
    virtualRows: (table) => isFullText(connection, table),
  });
  if (applied) return;
  const last = reports.at(-1);
  const conflict = last && 'conflicts' in last ? last.conflicts[0] : undefined;
  const where = conflict
    ? `${conflict.kind} in ${conflict.table}`
    : 'foreign keys refer to rows that were deleted';
  throw replicaError('rejected', `other transactions have changed the same rows (${where}): choose a policy`);
}
