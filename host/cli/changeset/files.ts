/** Files of the subcommands: what they read, and what they write whole or not at all. */

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { validate } from '../../changeset/index.js';
import { DatabaseSync } from '../../index.js';
import { CommandError, exitCodes } from './command.js';

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The bytes of a file, or of standard input for `-`. */
export function readInput(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path === '-' ? 0 : path));
  } catch (error) {
    throw new CommandError(`${path === '-' ? 'standard input' : path} cannot be read: ${reason(error)}`);
  }
}

/** A changeset that was checked. */
export function readChangeset(path: string): Uint8Array {
  const bytes = readInput(path);
  const fault = validate(bytes);
  if (!fault) return bytes;
  const name = path === '-' ? 'standard input' : path;
  throw new CommandError(
    `${name} is no changeset: ${fault.reason} at byte ${fault.offset}`,
    exitCodes.malformed,
  );
}

/** Writes bytes to standard output, or to a file that is there whole or, where that fails, as it was before. */
export function writeOutput(path: string, bytes: Uint8Array): void {
  if (path === '-') {
    if (process.stdout.isTTY) {
      throw new CommandError(
        'a changeset is not for a terminal: name a file with -o, or pipe it on',
        exitCodes.usage,
      );
    }
    for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
    return;
  }
  const work = join(dirname(path), `.${basename(path)}.${process.pid}`);
  try {
    const file = openSync(work, 'w');
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(work, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(work, { force: true });
    throw new CommandError(`${path} cannot be written: ${reason(error)}`);
  }
}

/** Makes the names in a folder last, where the system can. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Opens a database that must be there already, unless `make`. */
export function openDatabase(
  path: string,
  options: { readOnly?: boolean; make?: boolean } = {},
): DatabaseSync {
  try {
    if (!options.make && path !== ':memory:') closeSync(openSync(path, 'r'));
    return new DatabaseSync(path, { readOnly: options.readOnly ?? false, timeout: 5000 });
  } catch (error) {
    throw new CommandError(`${path} cannot be opened: ${reason(error)}`);
  }
}

/** The names of a table's columns as changesets have them, asked of a database where there is one. */
export function columnNamesOf(
  database: DatabaseSync | undefined,
): (table: string, count: number) => string[] | undefined {
  const known = new Map<string, string[]>();
  return (table, count) => {
    if (!database) return undefined;
    let names = known.get(table);
    if (!names) {
      const rows = database
        .prepare('SELECT name FROM pragma_table_xinfo(?) WHERE hidden=0 ORDER BY cid')
        .all(table);
      names = rows.map((row) => String(row.name));
      known.set(table, names);
    }
    return names.length === count ? names : undefined;
  };
}
