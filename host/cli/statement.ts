/**
 * Where an input statement ends, as the shell sees it: its scan of lines, and `sqlite3_complete`. Statements are
 * collected here, so that an abandoned one never reaches the shell, which could not drop it.
 */

const space = /[ \t\n\v\f\r]/;

export class StatementReader {
  readonly lines: string[] = [];
  #sql = '';
  /** What ends the quoted text or comment that is open. */
  #awaited = '';
  #dark = false;
  #semicolon = false;
  #depth = 0;
  #comment = false;

  get empty(): boolean {
    return this.lines.length === 0;
  }

  /** Adds the next line. Returns whether the shell would now have something to run, or nothing at all. */
  add(line: string): boolean {
    this.lines.push(line);
    if (this.#awaited === '' && isTerminator(line) && isComplete(`${this.#sql};`)) return true;
    this.#scan(line);
    const blank = !this.#dark && this.#awaited === '';
    if (this.#sql === '' && (blank || line.startsWith('.') || line.startsWith('#'))) return true;
    this.#sql += `${line}\n`;
    return blank || (this.#semicolon && this.#awaited === '' && isComplete(this.#sql));
  }

  /** The lines for the shell: it takes a statement with a comment after it for complete only at the next line. */
  get input(): string[] {
    return this.#comment && this.#sql !== '' ? [...this.lines, ''] : this.lines;
  }

  /** The shell's continuation prompt: what is open shows in its first three characters. */
  prompt(continuation: string): string {
    let open = '';
    if (this.#awaited !== '') open = this.#awaited === '*' ? '/*' : this.#awaited;
    else if (this.#depth !== 0) open = this.#depth > 9 ? '(..' : this.#depth < 0 ? ')x!' : `(x${this.#depth}`;
    return open === '' ? continuation : open.padEnd(3) + continuation.slice(3);
  }

  #scan(line: string): void {
    this.#comment = false;
    for (let i = 0; i < line.length; i++) {
      const c = line.charAt(i);
      const next = line.charAt(i + 1);
      if (this.#awaited !== '') {
        if (c !== this.#awaited) continue;
        if (c === '*') {
          if (next !== '/') continue;
          i += 1;
        } else if (c !== ']' && next === c) {
          i += 1;
          continue;
        }
        this.#awaited = '';
        continue;
      }
      if (space.test(c)) continue;
      if (c === ';') {
        this.#semicolon = true;
        continue;
      }
      if (c === '-' && next === '-') {
        this.#comment = true;
        return;
      }
      if (c === '/' && next === '*') {
        this.#awaited = '*';
        i += 1;
        continue;
      }
      if (c === '[') this.#awaited = ']';
      else if ('`\'"'.includes(c)) this.#awaited = c;
      else if (c === '(') this.#depth += 1;
      else if (c === ')') this.#depth -= 1;
      this.#dark = true;
      this.#semicolon = false;
    }
  }
}

/** "/" (Oracle) or "go" (SQL Server) alone. */
function isTerminator(line: string): boolean {
  return /^\s*(?:\/|go)\s*(?:--.*)?$/i.test(line);
}

/** The states of sqlite3_complete: what each becomes on ; space other EXPLAIN CREATE TEMP TRIGGER END. */
const transitions: readonly string[] = [
  '10234222', // nothing yet
  '11234222', // start
  '12222222', // in a statement
  '13324222', // EXPLAIN
  '14222452', // CREATE
  '65555555', // in a trigger
  '66555557', // semicolon in a trigger
  '17555555', // END in a trigger
];
const words: Readonly<Record<string, number>> = {
  explain: 3,
  create: 4,
  temp: 5,
  temporary: 5,
  trigger: 6,
  end: 7,
};
const token =
  /(;)|(\s+|--[^\n]*\n?|\/\*[\s\S]*?\*\/)|([`'"])[\s\S]*?\3|\[[^\]]*\]|([\w$\u0080-\uffff]+)|[\s\S]/gy;

/** Whether a text is whole statements, as `sqlite3_complete` sees it. */
export function isComplete(sql: string): boolean {
  return scan(sql, () => {}) === 1;
}

/** The end of the first statement, after its semicolon; -1 if none is complete. */
export function statementEnd(sql: string): number {
  let first = -1;
  scan(sql, (end) => {
    first = end;
    return true;
  });
  return first;
}

/**
 * Scans a text. Returns the state at its end, or -1 if something is open there.
 *
 * @param ended called with the end of each statement; `true` ends the scan
 */
export function scan(sql: string, ended: (end: number) => unknown): number {
  let state = 0;
  for (const { 0: text, 1: semicolon, 2: blank, 3: quote, 4: word, index } of sql.matchAll(token)) {
    // What is opened and not closed matches as its first character alone.
    if (quote === undefined && word === undefined && /^['"`[]$/.test(text)) return -1;
    if (text === '/' && sql.startsWith('/*', index)) return -1;
    let column = 2;
    if (semicolon) column = 0;
    else if (blank !== undefined) column = 1;
    else if (word !== undefined) {
      const known = word.toLowerCase();
      column = Object.hasOwn(words, known) ? (words[known] ?? 2) : 2;
    }
    state = Number(transitions[state]?.charAt(column));
    if (semicolon && state === 1 && ended(index + 1) === true) return state;
  }
  return state;
}
