/** Row changes as the function of a transaction: those of a rejected transaction, or those that undo a message. */

import { connectionOf } from '../api/connections.js';
import type { DatabaseSync } from '../api/database.js';
import { applyCapture } from '../applying/replay.js';
import { concat, invert } from '../applying/transform.js';
import { type CaptureEntry, decodeCapture } from '../recording/capture-format.js';
import { replicaError } from './errors.js';
import { isFullText } from './fulltext.js';
import type { Incoming } from './incoming.js';

/**
 * The changes that undo the transactions of a message.
 *
 * @param only the id of the one to undo; without it, all
 * @throws ReplicaError `missing`, `schema-change`
 */
export function inverseOf(
  database: DatabaseSync,
  { sequence, message, transactions }: Incoming,
  only: string | undefined,
): readonly CaptureEntry[] {
  if (!message) throw replicaError('missing', `message ${sequence} counts for no copy`);
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

/** Makes changes by a policy. @throws ReplicaError (`rejected`) if they do not fit */
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
  const where = conflict ? `${conflict.kind} in ${conflict.table}` : 'rows refer to rows that are gone';
  throw replicaError(
    'rejected',
    `other transactions changed the same rows since (${where}): choose a policy`,
  );
}
