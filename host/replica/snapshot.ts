/** Snapshots: what a new copy begins with, so that it need not read the history from its beginning. */

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
/** The version of this form: a database file, compressed with gzip. */
const version = '1';

/** A snapshot in the store of a log. */
export interface Snapshot {
  readonly name: string;
  /** The message after which it was taken. */
  readonly sequence: number;
  /** The bytes of the database. */
  readonly size: number;
}

/** Stores a snapshot of a copy. @throws ReplicaError `busy`, `full`, and as {@link Log.put} does */
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

/** Reads the state that the history has at a copy's place, in a file that is removed afterwards. */
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

/** A file beside a copy that does not exist. */
function besideOf(copy: Copy): string {
  return `${copy.database.location() ?? join(tmpdir(), 'replica')}-snapshot-${randomUUID()}`;
}

/** The snapshots of a log, oldest first. */
export async function snapshots(log: Log): Promise<Snapshot[]> {
  const all = await log.objects(prefix);
  return all
    .filter(({ about }) => about['version'] === version)
    .map(({ name, about }) => ({ name, sequence: Number(about['sequence']), size: Number(about['size']) }))
    .sort((a, b) => a.sequence - b.sequence);
}

/**
 * Makes a database file out of the newest snapshot that the history goes on from.
 *
 * @param path a file that does not exist, or is empty
 * @param progress called with how many bytes of how many are there
 * @throws ReplicaError `missing` if there is none; `forked` if it is damaged
 */
export async function loadSnapshot(
  log: Log,
  state: LogState,
  path: string,
  progress: (done: number, total: number) => void,
): Promise<Snapshot> {
  const found = (await snapshots(log)).findLast(
    // The message at its place must be there, so that a copy can tell that the history is the right one.
    ({ sequence }) => sequence <= state.last && sequence >= (sequence === 0 ? state.first - 1 : state.first),
  );
  if (!found) {
    throw replicaError(
      'missing',
      `${log.name} has no snapshot from which its messages go on: take one with snapshot() of a copy`,
    );
  }
  const about = (await log.objects(found.name)).find(({ name }) => name === found.name);
  const pieces = await log.get(found.name);
  if (!about || !pieces)
    throw replicaError('missing', `${found.name} was removed while it was read: try again`);
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
    replicaError('forked', `${name} is damaged: ${why}; take another with snapshot() of a copy`, cause);
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
    if (hash.digest('hex') !== about['digest']) throw damaged('it has other bytes than were stored');
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
