/** Removes the beginning of a history that a snapshot holds, and the objects that only it names. */

import { isReason } from './errors.js';
import { objectName, objectPrefix } from './incoming.js';
import type { Log } from './log.js';
import { decodeMessage } from './message.js';
import { type Snapshot, snapshots } from './snapshot.js';

/** What was removed. */
export interface Trimmed {
  readonly messages: number;
  readonly objects: number;
}

/** So old is an object, in ms, whose message was certainly published or refused. */
const certainAge = 24 * 60 * 60 * 1000;

/**
 * Removes the messages before that of a snapshot, which stays, older snapshots, the objects of the messages, and objects
 * of more than a day that no message names, because it was refused.
 *
 * @param now the time, in ms since 1970
 */
export async function trimTo(log: Log, { sequence }: Snapshot, now: number): Promise<Trimmed> {
  const stored = await log.objects(objectPrefix);
  const { first, last } = await log.state();
  const gone = await objectsOf(log, first, Math.min(sequence - 1, last));
  for (const { name, time } of stored) if (now - time > certainAge) gone.add(name);
  for (const name of await objectsOf(log, Math.max(sequence, first), last)) gone.delete(name);
  for (const one of await snapshots(log)) if (one.sequence < sequence) gone.add(one.name);
  const messages = Math.max(0, sequence - first);
  if (messages > 0) await log.trim(sequence);
  for (const name of gone) await log.remove(name);
  return { messages, objects: gone.size };
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
