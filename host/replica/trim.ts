import { isReason } from './errors.js';
import { objectName, objectPrefix } from './incoming.js';
import type { Log } from './log.js';
import { decodeMessage } from './message.js';
import { type Snapshot, snapshots } from './snapshot.js';

/** The number of removed messages and objects. */
export interface Trimmed {
  readonly messages: number;
  readonly objects: number;
}

/** The age in ms after which an object's message has certainly been published or refused. */
const certainAge = 24 * 60 * 60 * 1000;

/**
 * Removes the messages before the last message of a snapshot, their objects, older snapshots, and objects older than a
 * day that no message names.
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

/** Returns the names of the objects that messages name. */
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
