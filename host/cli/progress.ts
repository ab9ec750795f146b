/** Shows the progress of long work in one line of the terminal, which is removed at the end. */

import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** No progress is shown before this time, in ms. */
const patience = 500;
/** The minimum time between two updates of the line, in ms. */
const interval = 100;
const barWidth = 24;

const onTerminal = isatty(2) && process.env.TERM !== 'dumb';

/** The status line on standard error, if that is a terminal. */
class StatusLine {
  #shown = false;
  #at = 0;

  /** Whether the line can be shown, because standard error is a terminal. */
  readonly possible = onTerminal;

  /** Whether the line can be updated now. */
  get due(): boolean {
    return onTerminal && Date.now() - this.#at >= interval;
  }

  show(text: string): void {
    this.#at = Date.now();
    this.#shown = true;
    // In a worker thread, the environment has the number of columns.
    const columns = process.stderr.columns ?? (Number(process.env.COLUMNS) || 80);
    this.#write(`\r${text.slice(0, columns - 1)}\u001b[K`);
  }

  /** Removes the line, and moves the cursor back to its start. */
  clear(): void {
    if (this.#shown) this.#write('\r\u001b[K');
    this.#shown = false;
    this.#at = 0;
  }

  #write(text: string): void {
    try {
      writeSync(2, text);
    } catch {
      // the terminal was closed
    }
  }
}

export const statusLine = new StatusLine();

/** The innermost work in progress, for {@link tick}. */
let running: Progress | undefined;

/** Updates the line during a step of unknown length. */
export function tick(): void {
  if (statusLine.due) running?.tick();
}

/** Shows the progress of one piece of work, on a terminal and after the first half second. */
export class Progress implements Disposable {
  readonly #what: string;
  #total: number | undefined;
  readonly #unit: string;
  readonly #began = Date.now();
  readonly #outer: Progress | undefined;
  #done = 0;
  #note = '';

  /**
   * @param what a description of the work, such as "applying a.cs"
   * @param total the total amount; undefined if unknown
   * @param unit the counted unit; '' for bytes
   */
  constructor(what: string, total?: number, unit = '') {
    this.#what = what;
    this.#total = total;
    this.#unit = unit;
    this.#outer = running;
    running = this;
  }

  /** Sets the completed amount. @param note a description of the current item */
  at(done: number, note = ''): void {
    this.#done = done;
    this.#note = note;
    if (statusLine.due) this.tick();
  }

  /** Sets the completed amount and the total. */
  of(done: number, total: number): void {
    this.#total = total;
    this.at(done);
  }

  tick(): void {
    const elapsed = Date.now() - this.#began;
    if (elapsed >= patience) statusLine.show(this.#text(elapsed));
  }

  /** Ends the progress and removes the line. */
  [Symbol.dispose](): void {
    running = this.#outer;
    statusLine.clear();
  }

  #text(elapsed: number): string {
    const parts = [this.#note === '' ? this.#what : `${this.#what} ${this.#note}`];
    const done = this.#done;
    const total = this.#total ?? 0;
    if (done > 0 && total > 0) {
      const share = Math.min(1, done / total);
      const filled = Math.round(share * barWidth);
      parts.push(`[${'#'.repeat(filled).padEnd(barWidth, '.')}] ${Math.floor(share * 100)}%`);
      parts.push(this.#unit ? `${done} of ${total} ${this.#unit}` : `${amount(done)} of ${amount(total)}`);
    } else if (done > 0) parts.push(this.#unit ? `${done} ${this.#unit}` : amount(done));
    parts.push(`${Math.round(elapsed / 1000)} s`);
    return parts.join('  ');
  }
}

function amount(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} bytes`;
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
