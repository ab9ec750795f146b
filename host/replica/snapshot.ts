/** Snapshots of a history. A new copy begins with a snapshot, so that it does not have to read all messages. */

import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import { DatabaseSync } from '../api/database.js';
import type { Copy } from './copy.js';
import { type ReplicaError, replicaError, textOf } from './errors.js';
import type { Log, LogObject, LogState } from './log.js';

const prefix = 'snapshot-';
/** The version of the snapshot format, which is a database file compressed with gzip. */
const version = '1';

/** A snapshot in the store of a log. */
export interface Snapshot {
  readonly name: string;
  /** The sequence number of the last message that the snapshot contains. */
  readonly sequence: number;
  /** The size of the database in bytes. */
  readonly size: number;
}

/** Stores a snapshot of a copy. @throws ReplicaError `busy`, `full`, and the errors of {@link Log.put} */
export async function storeSnapshot(copy: Copy, log: Log): Promise<Snapshot> {
  const path = besideOf(copy);
  try {
    const { sequence } = copy.writeSnapshot(path);
    const { digest, size } = await digestOfFile(path);
    const name = `${prefix}${String(sequence).padStart(16, '0')}-${digest.slice(0, 16)}`;
    const about = { version, sequence: String(sequence), size: String(size), digest };
    await log.put(name, about, createReadStream(path).pipe(createGzip({ level: 1 })));
    return { name, sequence, size };
  } finally {
    await rm(path, { force: true });
  }
}

/** Runs `action` on a database with the state of the history at a copy's position. The database is a temporary file. */
export async function readSnapshot<T>(
  copy: Copy,
  action: (database: DatabaseSync) => T,
): Promise<{ readonly sequence: number; readonly result: T }> {
  const path = besideOf(copy);
  try {
    const { sequence } = copy.writeSnapshot(path);
    const database = new DatabaseSync(path, { locking: 'none' });
    using _ = database;
    return { sequence, result: action(database) };
  } finally {
    await rm(path, { force: true });
  }
}

/** Returns the path of a new file in the directory of the copy. */
function besideOf(copy: Copy): string {
  return `${copy.database.location() ?? join(tmpdir(), 'replica')}-snapshot-${randomUUID()}`;
}

/** Lists the snapshots of a log, oldest first. */
export async function snapshots(log: Log): Promise<Snapshot[]> {
  const all = await log.objects(prefix);
  return all
    .filter(({ about }) => about['version'] === version)
    .map(({ name, about }) => ({ name, sequence: Number(about['sequence']), size: Number(about['size']) }))
    .sort((a, b) => a.sequence - b.sequence);
}

/**
 * Makes a database file from the newest usable snapshot. A snapshot is usable if the messages that follow it still
 * exist.
 *
 * @param path a file that does not exist, or is empty
 * @param progress called with the loaded bytes and all bytes
 * @throws ReplicaError `missing` if there is no usable snapshot; `forked` if the snapshot is damaged
 */
export async function loadSnapshot(
  log: Log,
  state: LogState,
  path: string,
  progress: (done: number, total: number) => void,
): Promise<Snapshot> {
  const found = (await snapshots(log)).findLast(
    // The snapshot's last message must exist, because a copy compares that message with its own to check the history.
    ({ sequence }) => sequence <= state.last && sequence >= (sequence === 0 ? state.first - 1 : state.first),
  );
  if (!found) {
    throw replicaError(
      'missing',
      `${log.name} has no snapshot that its messages can continue: store one with snapshot() of a copy`,
    );
  }
  const about = (await log.objects(found.name)).find(({ name }) => name === found.name);
  const pieces = await log.get(found.name);
  if (!about || !pieces)
    throw replicaError('missing', `${found.name} was removed while it was being read: try again`);
  const part = `${path}.part`;
  try {
    await unpack(pieces, part, about, progress);
    if (existsSync(path)) await rm(path);
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
  return found;
}

async function unpack(
  pieces: AsyncIterable<Uint8Array>,
  path: string,
  { name, about }: LogObject,
  progress: (done: number, total: number) => void,
): Promise<void> {
  const total = Number(about['size']);
  const hash = createHash('sha256');
  const damaged = (why: string, cause?: unknown): ReplicaError =>
    replicaError('forked', `${name} is damaged: ${why}; store another with snapshot() of a copy`, cause);
  const file = await open(path, 'w');
  try {
    let done = 0;
    const source = Readable.from(pieces, { objectMode: false });
    const unpacked = createGunzip();
    source.on('error', (error) => unpacked.destroy(error));
    source.pipe(unpacked);
    for await (const piece of unpacked as AsyncIterable<Buffer>) {
      done += piece.length;
      if (done > total) throw damaged(`it has more than its ${total} bytes`);
      hash.update(piece);
      await file.writeFile(piece);
      progress(done, total);
    }
    if (done !== total) throw damaged(`it has ${done} of ${total} bytes`);
    if (hash.digest('hex') !== about['digest']) throw damaged('its digest is wrong');
    await file.sync();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw code.startsWith('Z_') ? damaged(textOf(error), error) : error;
  } finally {
    await file.close();
  }
}

async function digestOfFile(path: string): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(piece);
    size += piece.length;
  }
  return { digest: hash.digest('hex'), size };
}
