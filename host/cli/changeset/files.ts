/** Reads the input files of commands, and writes their output files. An output is written completely or not at all. */

import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { DatabaseSync } from '../../index.js';
import { readPatiently } from '../../node/patience.js';
import { CommandError, exitCodes, reason } from '../exit.js';
import { writeBytes } from '../output.js';
import { Progress } from '../progress.js';

/** The name of an input for messages. */
export const nameOf = (path: string): string => (path === '-' ? 'standard input' : path);

/** The maximum size of a changeset, because the C library stores sizes in an int. */
const mostBytes = 2 ** 31 - 1;
const pieceSize = 2 ** 20;

let standardInputRead = false;

/** Reads a file, or standard input for `-`. Standard input can be read only once. */
export function readInput(path: string): Uint8Array {
  if (path === '-') {
    if (standardInputRead) throw new CommandError('standard input can be read only once', exitCodes.usage);
    standardInputRead = true;
  }
  try {
    const file = path === '-' ? 0 : openSync(path, 'r');
    try {
      const status = fstatSync(file);
      if (status.isDirectory()) throw new CommandError(`${path} is a folder`);
      return readAll(file, status, nameOf(path));
    } finally {
      if (file !== 0) closeSync(file);
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`cannot read ${nameOf(path)}: ${reason(error)}`);
  }
}

function readAll(file: number, status: Stats, name: string): Uint8Array {
  const known = status.isFile() ? status.size : 0;
  if (known > mostBytes) throw new CommandError(`${name} has more than 2 GiB`);
  using progress = new Progress(`reading ${name}`, known);
  let bytes = new Uint8Array(known + 1); // one more byte, to detect the end of the file
  let size = 0;
  for (;;) {
    if (size === bytes.length) {
      if (size > mostBytes) throw new CommandError(`${name} has more than 2 GiB`);
      const grown = new Uint8Array(Math.min(mostBytes + 1, Math.max(2 * size, pieceSize)));
      grown.set(bytes);
      bytes = grown;
    }
    const count = readPatiently(file, bytes, size, Math.min(pieceSize, bytes.length - size));
    if (count === 0) return bytes.subarray(0, size);
    size += count;
    progress.at(size);
  }
}

/** The output of a command, checked before the work begins, because the result may be impossible to produce again. */
export class Output {
  readonly #path: string;
  /** The path of the file, with symbolic links resolved. */
  readonly #target: string = '-';
  #mode = 0o666;
  /** Whether the target is not a regular file but, for example, a pipe. */
  #device = false;

  /**
   * @param path the path of a new or existing file, or `-` for standard output
   * @param database a database that must not be overwritten, nor its journals
   * @param inputs files that must not be overwritten
   * @throws CommandError if the output cannot be written
   */
  constructor(path: string, database?: string, inputs: readonly string[] = []) {
    this.#path = path;
    if (path === '-') {
      if (!isatty(1)) return;
      const message = 'a changeset cannot be written to a terminal: name a file with -o, or pipe it';
      throw new CommandError(message, exitCodes.usage);
    }
    try {
      this.#target = existsSync(path) ? realpathSync(path) : resolve(path);
      const status = statSync(this.#target, { throwIfNoEntry: false });
      if (status?.isDirectory()) throw new CommandError(`cannot write ${path}: it is a folder`);
      this.#device = status !== undefined && !status.isFile();
      if (status) {
        this.#mode = status.mode & 0o777;
        accessSync(this.#target, constants.W_OK);
      }
      if (!this.#device) accessSync(dirname(this.#target), constants.W_OK);
    } catch (error) {
      throw this.#failure(error);
    }
    const refuse = (what: string): never => {
      throw new CommandError(`${path} is ${what}; refusing to overwrite it`, exitCodes.usage);
    };
    const real = (name: string): string => (existsSync(name) ? realpathSync(name) : resolve(name));
    if (database !== undefined) {
      const file = real(database);
      if (this.#target === file) refuse('a database');
      if (['-journal', '-wal', '-shm'].some((end) => this.#target === file + end)) {
        refuse(`a file of ${database}`);
      }
    }
    if (isDatabase(this.#target)) refuse('a database');
    if (inputs.some((input) => input !== '-' && real(input) === this.#target)) refuse('an input');
  }

  /** Whether the output is a regular file. */
  get isFile(): boolean {
    return this.#path !== '-' && !this.#device;
  }

  /** Writes the bytes. If that fails or is interrupted, an existing file is unchanged. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#path === '-') {
      writeBytes(bytes);
      return;
    }
    const work = this.#device
      ? this.#target
      : join(dirname(this.#target), `.${basename(this.#target)}.${process.pid}`);
    const remove = (): void => {
      if (!this.#device) rmSync(work, { force: true });
    };
    const end = (signal: NodeJS.Signals): void => {
      remove();
      release();
      process.kill(process.pid, signal);
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    const release = (): void => signals.forEach((signal) => void process.off(signal, end));
    for (const signal of signals) process.on(signal, end);
    try {
      const file = await open(work, 'w', this.#mode);
      try {
        for (let at = 0; at < bytes.length; at += pieceSize) {
          await file.writeFile(bytes.subarray(at, at + pieceSize));
        }
        if (!this.#device) await file.sync();
      } finally {
        await file.close();
      }
      if (this.#device) return;
      await rename(work, this.#target);
      syncFolder(dirname(this.#target));
    } catch (error) {
      remove();
      throw this.#failure(error);
    } finally {
      release();
    }
  }

  #failure(error: unknown): CommandError {
    if (error instanceof CommandError) return error;
    return new CommandError(`cannot write ${this.#path}: ${reason(error)}`);
  }
}

/** Whether a file begins with the header of a database. */
function isDatabase(path: string): boolean {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(16);
    readSync(file, head, 0, 16, 0);
    return head.toString('latin1') === 'SQLite format 3\0';
  } finally {
    closeSync(file);
  }
}

/** Syncs the names in a folder to disk, if the system supports that. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Opens a database that must exist, unless `make`. */
export function openDatabase(
  path: string,
  options: { readOnly?: boolean; make?: boolean } = {},
): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    if (path !== ':memory:') {
      const status = statSync(path, { throwIfNoEntry: options.make !== true });
      if (status?.isDirectory()) throw new Error('it is a folder');
    }
    database = new DatabaseSync(path, { readOnly: options.readOnly ?? false, timeout: 5000 });
    database.prepare('SELECT count(*) FROM sqlite_schema').get(); // fails if the file is not a database
    return database;
  } catch (error) {
    database?.close();
    throw new CommandError(`cannot open ${path}: ${reason(error)}`);
  }
}
