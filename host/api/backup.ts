import { setImmediate, setTimeout } from 'node:timers/promises';
import { SQLITE_BUSY, SQLITE_DONE, SQLITE_ERROR, SQLITE_LOCKED, SQLITE_OK } from '../core/constants.js';
import { checkOptions, invalidState, invalidValue } from '../kernel/arguments.js';
import { connectionOf } from './connections.js';
import { DatabaseSync } from './database.js';

/** Options of {@link backup}. */
export interface BackupOptions {
  /** The database to copy: 'main' (the default), 'temp' or an attached database. */
  source?: string;
  /** The database of the target to overwrite: 'main' by default. */
  target?: string;
  /** The number of pages to copy before other code can run: 100 by default. */
  rate?: number;
  /** Called after each part except the last. An exception ends the backup. */
  progress?: (progress: { totalPages: number; remainingPages: number }) => void;
}

/** How long to wait for a lock: in total, and before each new attempt. In milliseconds. */
const patience = 5000;
const pause = 25;

const optionKinds = { source: 'string', target: 'string', rate: 'integer', progress: 'function' } as const;

/**
 * Copies a database to a file. If the copy fails, the file stays unchanged. The copy starts again if another connection
 * writes to the source, or if the source is in memory and changes. Changes that `source` itself makes to a file are
 * copied too. C: `sqlite3_backup_init`, `sqlite3_backup_step`, `sqlite3_backup_finish`.
 *
 * @param source an open {@link DatabaseSync}
 * @param path the target file; it is created if it does not exist
 * @returns the number of pages
 * @throws TypeError for an invalid argument; SqliteError if a file cannot be read or written, or stays locked
 */
export async function backup(
  source: DatabaseSync,
  path: string | Uint8Array | URL,
  options: BackupOptions = {},
): Promise<number> {
  const connection = connectionOf(source);
  checkOptions(options, optionKinds);
  const { source: from = 'main', target: to = 'main', rate = 100, progress } = options;
  if (rate === 0) throw invalidValue('The "options.rate" argument must not be 0.');
  using target = new DatabaseSync(path);
  const { engine, db } = connectionOf(target);
  const { c, memory } = engine.core;
  let job: number;
  {
    using arena = memory.arena();
    job = c.sqlite3_backup_init(db, arena.cString(to), connection.db, arena.cString(from));
  }
  if (job === 0) engine.check(db, c.sqlite3_extended_errcode(db) || SQLITE_ERROR);
  let finished = false;
  const finish = (): number => {
    finished = true;
    return c.sqlite3_backup_finish(job);
  };
  // SQLite does not close the source of a backup, so finish the backup first.
  const unwatch = connection.beforeClose(() => {
    if (!finished) finish();
  });
  let waited = 0;
  try {
    for (;;) {
      const code = c.bridge_backup_step(job, rate);
      if (code === SQLITE_DONE) break;
      const isLocked = code === SQLITE_BUSY || code === SQLITE_LOCKED;
      if ((code !== SQLITE_OK && !isLocked) || waited >= patience) throw engine.core.error(0, code);
      waited = isLocked ? waited + pause : 0;
      const totalPages = c.sqlite3_backup_pagecount(job);
      progress?.({ totalPages, remainingPages: c.sqlite3_backup_remaining(job) });
      await (isLocked ? setTimeout(pause) : setImmediate());
      if (finished) throw invalidState('database is not open');
    }
    const pages = c.sqlite3_backup_pagecount(job);
    engine.check(db, finish());
    return pages;
  } finally {
    if (!finished) finish();
    unwatch();
  }
}
