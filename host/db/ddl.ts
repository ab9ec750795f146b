/** Statements that change the schema, as text: what a capture keeps of them, and what a replay runs. */

/** What SQL skips, a quoted name or text, a word, or any other character. */
const token =
  /\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|'(?:[^']|'')*'|[\w$\u0080-\uffff]+|./g;

/** The words that may stand before the name of what is made, changed or dropped. */
const leading = new Set(
  'create temp temporary unique virtual table index view trigger if not exists drop alter analyze'.split(' '),
);

interface Token {
  readonly text: string;
  readonly at: number;
}

/** The tokens of a statement up to the `count`th, without what SQL skips. */
function firstTokens(sql: string, count: number): Token[] {
  const found: Token[] = [];
  for (const match of sql.matchAll(token)) {
    const text = match[0];
    if (/^(?:\s|--|\/\*|\ufeff|;)/.test(text)) continue;
    found.push({ text, at: match.index });
    if (found.length === count) break;
  }
  return found;
}

/** A name without its quotes. */
function unquoted(name: string): string {
  const quote = name[0] ?? '';
  if (quote === '[') return name.slice(1, -1);
  if (!['"', '`', "'"].includes(quote)) return name;
  return name.slice(1, -1).replaceAll(quote + quote, quote);
}

/** Whether a statement makes something temporary, in so many words. */
export function isTemporary(sql: string): boolean {
  const [, second] = firstTokens(sql, 2);
  return /^temp(?:orary)?$/i.test(second?.text ?? '');
}

/** Whether a statement makes a table of a query's result. */
export function isCreateAs(sql: string): boolean {
  const words = firstTokens(sql, 12).map(({ text }) => text.toLowerCase());
  const as = words.indexOf('as');
  return words.includes('table') && as > 0 && !words.slice(0, as).includes('(');
}

/**
 * The statement without `database` before the name of what it makes, changes or drops, so that it can be run on
 * a database that goes by another name; and without what is around it.
 */
export function unqualified(sql: string, database: string): string {
  const tokens = firstTokens(sql, 14);
  const name = tokens.findIndex(({ text }) => !leading.has(text.toLowerCase()));
  const [schema, dot, target] = name < 0 ? [] : tokens.slice(name, name + 3);
  const qualified =
    schema && dot?.text === '.' && target && unquoted(schema.text).toLowerCase() === database.toLowerCase();
  const text = qualified ? sql.slice(0, schema.at) + sql.slice(target.at) : sql;
  return text.slice(firstTokens(text, 1)[0]?.at ?? 0).replace(/[\s;]+$/, '');
}

/** Whether a statement is of the kinds that a capture holds, going by its first words. */
export function isCaptured(sql: string): boolean {
  const [first = '', second = ''] = firstTokens(sql, 2).map(({ text }) => text.toLowerCase());
  if (first === 'pragma') return second === 'user_version' || second === 'application_id';
  return ['create', 'alter', 'drop', 'analyze'].includes(first);
}

/** The name of the table that a statement, going by its first words, drops, renames or takes a column from. */
export function tableTakenFrom(sql: string): string | undefined {
  const tokens = firstTokens(sql, 14).map(({ text }) => text);
  const words = tokens.map((text) => text.toLowerCase());
  const [first, second, ...rest] = words;
  if (second !== 'table' || (first !== 'drop' && first !== 'alter')) return undefined;
  if (first === 'alter' && rest.includes('add')) return undefined;
  const at = rest[0] === 'if' && rest[1] === 'exists' ? 4 : 2;
  const name = tokens[at + 1] === '.' ? tokens[at + 2] : tokens[at];
  return name === undefined ? undefined : unquoted(name);
}
