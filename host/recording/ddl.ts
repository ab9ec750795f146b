/** Statements that change the schema, as text: as a capture keeps them, and as a replay runs them. */

/** Space and comments, a quoted name or text, a word, or any other character. */
const token =
  /\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|'(?:[^']|'')*'|[\w$\u0080-\uffff]+|./g;

/** The words that may stand between CREATE and the kind of object. */
const modifiers = new Set(['temp', 'temporary', 'unique', 'virtual']);

const objects = new Set(['table', 'index', 'view', 'trigger']);

interface Token {
  readonly text: string;
  readonly at: number;
}

/** The tokens of a statement up to the `count`th, without space and comments. */
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
export function unquoted(name: string): string {
  const quote = name[0] ?? '';
  if (quote === '[') return name.slice(1, -1);
  if (!['"', '`', "'"].includes(quote)) return name;
  return name.slice(1, -1).replaceAll(quote + quote, quote);
}

/** Whether a statement says that it creates something temporary. */
export function isTemporary(sql: string): boolean {
  const [, second] = firstTokens(sql, 2);
  return /^temp(?:orary)?$/i.test(second?.text ?? '');
}

/** The database that a VACUUM rewrites; undefined if a statement is none, or if it writes a copy. */
export function vacuumed(sql: string): string | undefined {
  const tokens = firstTokens(sql, 3);
  const [verb, second, third] = wordsOf(tokens);
  if (verb !== 'vacuum' || second === 'into' || third === 'into') return undefined;
  return unquoted(tokens[1]?.text ?? 'main');
}

/** What a statement that changes the schema does, by its first words. */
export interface SchemaStatement {
  /** In lower case: "create", "alter", "drop", "analyze" and "pragma" are those that a capture holds. */
  readonly verb: string;
  /** In lower case: "table", "index", "view", "trigger", or the name of a pragma; "" of ANALYZE. */
  readonly object: string;
  /** The name of the object that is created, changed or dropped, without quotes; undefined if there is none. */
  readonly name: string | undefined;
  /** Whether it is CREATE TABLE AS. */
  readonly ofQuery: boolean;
  /** Whether it renames a table. */
  readonly renames: boolean;
  readonly addsColumn: boolean;
  /** Whether it is CREATE VIRTUAL TABLE. */
  readonly isVirtual: boolean;
}

/** The module of CREATE VIRTUAL TABLE and its arguments, each as its tokens; undefined of other statements. */
export interface VirtualTable {
  /** In lower case. */
  readonly module: string;
  readonly args: readonly (readonly string[])[];
}

export function virtualTable(sql: string): VirtualTable | undefined {
  const texts = firstTokens(sql, Infinity).map(({ text }) => text);
  const words = texts.map((text) => text.toLowerCase());
  if (words[0] !== 'create' || words[1] !== 'virtual') return undefined;
  const at = words.indexOf('using', nameIn(words) + 1);
  const args: string[][] = [];
  let depth = 0;
  for (const text of texts.slice(at + 2)) {
    if (text === ')') depth -= 1;
    if (depth > 0) {
      if (depth === 1 && text === ',') args.push([]);
      else args.at(-1)?.push(text);
    }
    if (text === '(') {
      if (depth === 0) args.push([]);
      depth += 1;
    }
  }
  return { module: unquoted(texts[at + 1] ?? '').toLowerCase(), args };
}

/** Reads the first words of a statement. */
export function schemaStatement(sql: string): SchemaStatement {
  const tokens = firstTokens(sql, 20);
  const words = wordsOf(tokens);
  const [verb = ''] = words;
  const at = nameIn(words);
  const own = words[at + 1] === '.' ? at + 2 : at;
  const name = tokens[own]?.text;
  const rest = words.slice(own + 1);
  const object =
    verb === 'pragma'
      ? (words[own] ?? '')
      : verb === 'analyze'
        ? ''
        : (words.slice(1, at).find((word) => objects.has(word)) ?? '');
  return {
    verb,
    object,
    name: name === undefined ? undefined : unquoted(name),
    ofQuery: verb === 'create' && object === 'table' && rest[0] === 'as',
    renames: verb === 'alter' && rest[0] === 'rename' && rest[1] === 'to',
    addsColumn: verb === 'alter' && rest[0] === 'add',
    isVirtual: verb === 'create' && words[1] === 'virtual',
  };
}

/** Where the name, or the database before it, of what a statement makes, changes or drops stands among its words. */
function nameIn(words: readonly string[]): number {
  const [verb = ''] = words;
  let at = 1;
  if (verb === 'create') while (modifiers.has(words[at] ?? '') && words[at + 1] !== '.') at += 1;
  if (verb !== 'analyze' && verb !== 'pragma') at += 1; // the kind of object
  if (words[at] !== 'if') return at;
  if (verb === 'create' && words[at + 1] === 'not' && words[at + 2] === 'exists') return at + 3;
  return verb === 'drop' && words[at + 1] === 'exists' ? at + 2 : at;
}

const wordsOf = (tokens: readonly Token[]): string[] => tokens.map(({ text }) => text.toLowerCase());

/**
 * The statement without `database` before the name of what it makes, changes or drops, so that it can be run on
 * a database that goes by another name; and without what is around it.
 */
export function unqualified(sql: string, database: string): string {
  const tokens = firstTokens(sql, 14);
  const name = nameIn(wordsOf(tokens));
  const [schema, dot, target] = tokens.slice(name, name + 3);
  const qualified =
    schema && dot?.text === '.' && target && unquoted(schema.text).toLowerCase() === database.toLowerCase();
  const text = qualified ? sql.slice(0, schema.at) + sql.slice(target.at) : sql;
  return text.slice(firstTokens(text, 1)[0]?.at ?? 0).replace(/[\s;]+$/, '');
}

/**
 * The statement with `main` before the name of what it makes, changes or drops: without it a temporary table of that
 * name would be meant.
 *
 * @param sql as {@link unqualified} gives it
 */
export function inMain(sql: string): string {
  const tokens = firstTokens(sql, 14);
  const words = wordsOf(tokens);
  const at = nameIn(words);
  const name = tokens[at];
  if (!name) return words[0] === 'analyze' ? `${sql} main` : sql;
  if (words[at + 1] === '.' || (words[0] === 'analyze' && isMain(name.text))) return sql;
  return `${sql.slice(0, name.at)}main.${sql.slice(name.at)}`;
}

const isMain = (name: string): boolean => unquoted(name).toLowerCase() === 'main';

/** Whether a capture holds statements of this kind, by its first words. */
export function isCaptured(sql: string): boolean {
  const [first = '', second = ''] = firstTokens(sql, 2).map(({ text }) => text.toLowerCase());
  if (first === 'pragma') return second === 'user_version' || second === 'application_id';
  return ['create', 'alter', 'drop', 'analyze'].includes(first);
}

/** The name of the table that a statement, by its first words, drops, renames or removes a column from. */
export function tableTakenFrom(sql: string): string | undefined {
  const { verb, object, name, addsColumn } = schemaStatement(sql);
  return object === 'table' && (verb === 'drop' || (verb === 'alter' && !addsColumn)) ? name : undefined;
}
