/** Removes the beginning of a history that a snapshot holds, and the objects that only it names. */

import { isReason } from './errors.js';
import { objectName } from './incoming.js';
import type { Log } from './log.js';
import { decodeMessage } from './message.js';
import { type Snapshot, snapshots } from './snapshot.js';

/** What was removed. */
export interface Trimmed {
  readonly messages: number;
  readonly objects: number;
}

/** Removes the messages before that of a snapshot, which stays, older snapshots, and the objects of the messages. */
export async function trimTo(log: Log, { sequence }: Snapshot): Promise<Trimmed> {
  const { first, last } = await log.state();
  if (sequence <= first) return { messages: 0, objects: 0 };
  const gone = await objectsOf(log, first, sequence - 1);
  for (const name of await objectsOf(log, sequence, last)) gone.delete(name);
  for (const one of await snapshots(log)) if (one.sequence < sequence) gone.add(one.name);
  await log.trim(sequence);
  for (const name of gone) await log.remove(name);
  return { messages: sequence - first, objects: gone.size };
}

/** The objects that messages name. */
async function objectsOf(log: Log, from: number, to: number): Promise<Set<string>> {
  const names = new Set<string>();
  if (from > to) return names;
  const over = new AbortController();
  try {
    for await (const { sequence, bytes } of log.follow(from, over.signal)) {
      try {
        const { object } = decodeMessage(bytes);
        if (object) names.add(objectName(object.digest));
      } catch (error) {
        if (!isReason(error, 'malformed', 'format')) throw error;
      }
      if (sequence >= to) break;
    }
  } finally {
    over.abort();
  }
  return names;
}
