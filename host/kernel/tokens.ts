/** The first tokens of SQL statements, and what statements that control a transaction say. */

/** Matches a token: space or a comment, a quoted name or text, a word, or any other character. */
const token =
  /\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|'(?:[^']|'')*'|[\w$\u0080-\uffff]+|./g;

export interface Token {
  readonly text: string;
  readonly at: number;
}

/** The first `count` tokens of the first statement, without spaces and comments. */
export function firstTokens(sql: string, count: number): Token[] {
  const found: Token[] = [];
  for (const match of sql.matchAll(token)) {
    const text = match[0];
    if (/^(?:\s|--|\/\*)/.test(text)) continue;
    if (text !== ';') found.push({ text, at: match.index });
    if (found.length === count || (text === ';' && found.length > 0)) break;
  }
  return found;
}

export function unquoted(name: string): string {
  const quote = name[0] ?? '';
  if (quote === '[') return name.slice(1, -1);
  if (!['"', '`', "'"].includes(quote)) return name;
  return name.slice(1, -1).replaceAll(quote + quote, quote);
}

/** A statement that ends a transaction or works with a savepoint. */
export interface Control {
  /** The first word in lower case. */
  readonly verb: string;
  /** The name of the savepoint, without quotes and in lower case; undefined if the statement ends the transaction. */
  readonly savepoint: string | undefined;
}

const verbs = new Set(['commit', 'end', 'rollback', 'savepoint', 'release']);

/** Reads COMMIT, END, ROLLBACK, SAVEPOINT and RELEASE. Undefined for other statements. */
export function controlOf(sql: string): Control | undefined {
  const [verb = ''] = firstTokens(sql, 1).map(({ text }) => text.toLowerCase());
  if (!verbs.has(verb)) return undefined;
  const words = firstTokens(sql, Infinity).map(({ text }) => text.toLowerCase());
  const isWhole =
    verb === 'rollback' ? !words.slice(1, -1).includes('to') : verb === 'commit' || verb === 'end';
  return { verb, savepoint: isWhole || words.length < 2 ? undefined : unquoted(words.at(-1) ?? '') };
}
