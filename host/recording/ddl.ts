/** Parses statements that change the schema, to keep them in a capture and to run them in a replay. */

import { firstTokens, type Token, unquoted } from '../kernel/tokens.js';

/** The words allowed between CREATE and the kind of object. */
const modifiers = new Set(['temp', 'temporary', 'unique', 'virtual']);

const objects = new Set(['table', 'index', 'view', 'trigger']);

/** Whether a statement begins with CREATE TEMP or CREATE TEMPORARY. */
export function isTemporary(sql: string): boolean {
  const [, second] = firstTokens(sql, 2);
  return /^temp(?:orary)?$/i.test(second?.text ?? '');
}

/** The database that a VACUUM rewrites; undefined for other statements and for VACUUM INTO. */
export function vacuumed(sql: string): string | undefined {
  const tokens = firstTokens(sql, 3);
  const [verb, second, third] = wordsOf(tokens);
  if (verb !== 'vacuum' || second === 'into' || third === 'into') return undefined;
  return unquoted(tokens[1]?.text ?? 'main');
}

/** A description of a statement that changes the schema, from its first words. */
export interface SchemaStatement {
  /** The first word in lower case. A capture keeps "create", "alter", "drop", "analyze" and "pragma". */
  readonly verb: string;
  /** In lower case: "table", "index", "view", "trigger", or the name of a pragma; "" for ANALYZE. */
  readonly object: string;
  /** The name of the created, changed or dropped object, without quotes; undefined if the statement names none. */
  readonly name: string | undefined;
  /** Whether the statement is CREATE TABLE AS. */
  readonly ofQuery: boolean;
  /** Whether the statement renames a table. */
  readonly renames: boolean;
  readonly addsColumn: boolean;
  /** Whether the statement is CREATE VIRTUAL TABLE. */
  readonly isVirtual: boolean;
}

/** The module of a CREATE VIRTUAL TABLE and the tokens of each argument. */
export interface VirtualTable {
  /** The name of the module in lower case. */
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

/** Describes a statement from its first words. */
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

/** The index of the word that names the object of a statement, or of the database name before it. */
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
 * Removes `database` before the name of a statement's object, so that the statement can run on a database with another
 * name. Also removes spaces and comments around the statement.
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
 * Adds `main` before the name of a statement's object, because otherwise the statement could change a temporary table
 * of the same name.
 *
 * @param sql a result of {@link unqualified}
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

/** Whether captures contain statements of this kind. */
export function isCaptured(sql: string): boolean {
  const [first = '', second = ''] = firstTokens(sql, 2).map(({ text }) => text.toLowerCase());
  if (first === 'pragma') return second === 'user_version' || second === 'application_id';
  return ['create', 'alter', 'drop', 'analyze'].includes(first);
}

/** The name of the table that a statement drops, renames or removes a column from. */
export function tableTakenFrom(sql: string): string | undefined {
  const { verb, object, name, addsColumn } = schemaStatement(sql);
  return object === 'table' && (verb === 'drop' || (verb === 'alter' && !addsColumn)) ? name : undefined;
}
