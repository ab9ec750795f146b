/**
 * The history of statements and its file, which has one line for each entry. An entry of several lines begins with a
 * backslash, and its newlines are written as \n. All other entries are unchanged, so that sqlite3's own history can be
 * read.
 */

import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

const maxEntries = 2000;
const editlineHeader = '_HiStOrY_V2_';

export class History {
  readonly #entries: string[] = [];
  #file: string | undefined;
  /** The index of the shown entry; the number of entries while new text is shown. */
  #position = 0;
  #typed = '';

  load(file: string): void {
    this.#file = file;
    let lines: string[] = [];
    try {
      lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    } catch {
      // Ignore a file that does not exist or cannot be read.
    }
    if (lines[0] === editlineHeader) lines.shift();
    this.#entries.push(...lines.slice(-maxEntries).map(decode));
    if (lines.length > maxEntries) this.#trim(file, lines);
    this.rewind();
  }

  /** Adds a statement, and appends it to the file immediately, so that a crash or a second shell loses none. */
  add(entry: string): void {
    if (entry.trim() === '' || entry === this.#entries.at(-1)) return;
    this.#entries.push(entry);
    if (this.#entries.length > maxEntries) this.#entries.shift();
    if (this.#file === undefined) return;
    try {
      appendFileSync(this.#file, `${encode(entry)}\n`, { mode: 0o600 });
    } catch {
      this.#file = undefined;
    }
  }

  rewind(): void {
    this.#position = this.#entries.length;
    this.#typed = '';
  }

  /** Moves by `step`. Returns the entry there; undefined at either end. @param current the current text of the line */
  move(step: number, current: string): string | undefined {
    const to = this.#position + step;
    if (to < 0 || to > this.#entries.length) return undefined;
    if (this.#position === this.#entries.length) this.#typed = current;
    this.#position = to;
    return this.#entries[to] ?? this.#typed;
  }

  #trim(file: string, lines: readonly string[]): void {
    const next = `${file}.${process.pid}`;
    try {
      writeFileSync(next, `${lines.slice(-maxEntries).join('\n')}\n`, { mode: 0o600 });
      renameSync(next, file);
    } catch {
      // Leave the file as it is.
    }
  }
}

function encode(entry: string): string {
  if (!entry.includes('\n') && !entry.startsWith('\\')) return entry;
  return `\\${entry.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`;
}

function decode(line: string): string {
  if (!line.startsWith('\\')) return line;
  return line.slice(1).replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
}
