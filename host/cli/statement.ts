/**
 * Finds the end of a statement in the input like the shell, by a scan of lines and `sqlite3_complete`. Statements are
 * collected here before the shell gets them, because the shell cannot drop a statement that the user abandons.
 */

const space = /[ \t\n\v\f\r]/;

export class StatementReader {
  readonly lines: string[] = [];
  #sql = '';
  /** The end of the open quoted text or comment; '' if none is open. */
  #awaited = '';
  #dark = false;
  #semicolon = false;
  #depth = 0;
  #comment = false;

  get empty(): boolean {
    return this.lines.length === 0;
  }

  /** Adds the next line. Returns whether the input is complete: a statement, a dot-command, or nothing but space. */
  add(line: string): boolean {
    this.lines.push(line);
    if (this.#awaited === '' && isTerminator(line) && isComplete(`${this.#sql};`)) return true;
    this.#scan(line);
    const blank = !this.#dark && this.#awaited === '';
    if (this.#sql === '' && (blank || line.startsWith('.') || line.startsWith('#'))) return true;
    this.#sql += `${line}\n`;
    return blank || (this.#semicolon && this.#awaited === '' && isComplete(this.#sql));
  }

  /**
   * The lines for the shell. If a comment follows the statement, an empty line is added, because the shell treats the
   * statement as complete only at the next line.
   */
  get input(): string[] {
    return this.#comment && this.#sql !== '' ? [...this.lines, ''] : this.lines;
  }

  /** The shell's continuation prompt, whose first three characters show the open quote, comment or parenthesis. */
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

/** Whether a line consists of "/" (Oracle) or "go" (SQL Server). */
function isTerminator(line: string): boolean {
  return /^\s*(?:\/|go)\s*(?:--.*)?$/i.test(line);
}

/**
 * The transitions of sqlite3_complete. Each row is a state, and each column an input: ; space other EXPLAIN CREATE TEMP
 * TRIGGER END.
 */
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

/** Whether a text consists of complete statements, according to `sqlite3_complete`. */
export function isComplete(sql: string): boolean {
  return scan(sql, () => {}) === 1;
}

/** Returns the offset after the first statement and its semicolon; -1 if no statement is complete. */
export function statementEnd(sql: string): number {
  let first = -1;
  scan(sql, (end) => {
    first = end;
    return true;
  });
  return first;
}

/**
 * Scans a text. Returns the state at the end, or -1 if a quoted text or comment is open there.
 *
 * @param ended called with the end of each statement; returns true to stop the scan
 */
export function scan(sql: string, ended: (end: number) => unknown): number {
  let state = 0;
  for (const { 0: text, 1: semicolon, 2: blank, 3: quote, 4: word, index } of sql.matchAll(token)) {
    // For an unclosed quote or comment, the pattern matches only its first character.
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
