/**
 * Writes host/core/constants.ts and host/core/bindings.ts, from sqlite3.h, host/core/c/host.h and the list of exported
 * functions, host/core/c/exports.txt. Also writes the modules that are compiled from .wat files.
 *
 *     npm run build:tables              writes the files
 *     npm run build:tables -- --check   fails if the files differ from their sources
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { amalgamation, fetchSource, root } from './sources.js';
import { watFiles } from './wat.js';

const core = join(root, 'host/core');
const sqliteFolder = join(fetchSource(amalgamation), 'deps/sqlite3');
const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, ' ');
const library = readFileSync(join(sqliteFolder, 'sqlite3.c'), 'utf8');
const sqlite = withoutComments(readFileSync(join(sqliteFolder, 'sqlite3.h'), 'utf8'));
const host = withoutComments(readFileSync(join(core, 'c/host.h'), 'utf8'));
const own = '// Made by npm run build:tables. Do not edit.';

/** Evaluates an expression of numbers, known names, |, << and parentheses. */
function evaluate(text: string, known: ReadonlyMap<string, number>): number | undefined {
  const tokens = text.match(/0x[\da-f]+|\d+|\w+|<<|[|()]|\S/gi) ?? [];
  let at = 0;
  const primary = (): number | undefined => {
    const token = tokens[at++] ?? '';
    if (token === '(') {
      const inner = or();
      return tokens[at++] === ')' ? inner : undefined;
    }
    return /^(?:0x[\da-f]+|\d+)$/i.test(token) ? Number(token) : known.get(token);
  };
  const shift = (): number | undefined => {
    let left = primary();
    while (left !== undefined && tokens[at] === '<<') {
      at += 1;
      const right = primary();
      left = right === undefined ? undefined : left * 2 ** right;
    }
    return left;
  };
  const or = (): number | undefined => {
    let left = shift();
    while (left !== undefined && tokens[at] === '|') {
      at += 1;
      const right = shift();
      left = right === undefined ? undefined : left | right;
    }
    return left;
  };
  const value = or();
  return at === tokens.length ? value : undefined;
}

function constants(): string {
  const values = new Map<string, number>();
  const lines = ['/** The numbers of sqlite3.h, and the enums of c/host.h, by their C names. */', own, ''];
  const add = (name: string, value: number | undefined): void => {
    if (value === undefined || values.has(name)) return;
    values.set(name, value);
    lines.push(`export const ${name} = ${value >= 4096 ? `0x${value.toString(16)}` : value};`);
  };
  for (const [, name = '', value = ''] of sqlite.matchAll(/^# *define +(SQLITE_\w+) +(\S.*?) *$/gm)) {
    add(name, evaluate(value, values));
  }
  add('SQLITE_MAX_FUNCTION_ARG', Number(/^# define SQLITE_MAX_FUNCTION_ARG (\d+)/m.exec(library)?.[1]));
  lines.push('');
  for (const [, list = ''] of host.matchAll(/^enum \{([^}]*)\}/gm)) {
    let next = 0;
    for (const entry of list.split(',')) {
      const [name = '', value] = entry.split('=').map((part) => part.trim());
      if (value !== undefined) next = Number(value);
      add(name, next);
      next += 1;
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Names for parameters without a name in the header. */
const unnamed: Readonly<Record<string, string>> = {
  'sqlite3*': 'db',
  'sqlite3_stmt*': 'stmt',
  'sqlite3_context*': 'ctx',
  'sqlite3_value*': 'value',
  'sqlite3_session*': 'session',
  'sqlite3_changegroup*': 'group',
  'sqlite3_rebaser*': 'rebaser',
  'sqlite3_mutex*': 'mutex',
  int: 'i',
  double: 'x',
  sqlite3_int64: 'i64',
  sqlite3_uint64: 'u64',
};

/** Converts a C type to a TypeScript type. */
function typeOf(c: string): string {
  if (c.includes('*') || c === 'sqlite3_filename') return 'number';
  const base = c.replace(/\bconst\b/g, '').trim();
  if (base === 'void') return 'void';
  if (/^(?:sqlite3_u?int64|sqlite_int64)$/.test(base)) return 'bigint';
  if (/^(?:int|unsigned|unsigned int|double|char)$/.test(base)) return 'number';
  throw new Error(`no type for ${c}`);
}

/** Splits a list of parameters at its outer commas. */
function split(list: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= list.length; at++) {
    const character = list[at];
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (at < list.length && !(character === ',' && depth === 0)) continue;
    parts.push(list.slice(from, at).trim());
    from = at + 1;
  }
  return parts;
}

/** A binding of a function: its C prototype as a comment, and its TypeScript type. */
function binding(returned: string, name: string, parameters: string): string {
  const used = new Map<string, number>();
  const all = split(parameters).filter((one) => one !== 'void' && one !== '');
  const typed = all.map((one) => {
    const callback = /\(\s*\*\s*(\w*)\s*\)/.exec(one);
    const [, type = one, given = ''] = callback
      ? [one, 'void *', callback[1] || 'callback']
      : (/^(.*?[\s*])(?!(?:int|double|char|void)$)([a-zA-Z]\w*)$/.exec(one) ?? []);
    const plain = type.replace(/\bconst\b/g, '').replace(/\s+/g, '');
    const wanted = given || unnamed[plain] || (plain.includes('*') ? 'p' : plain);
    const times = (used.get(wanted) ?? 0) + 1;
    used.set(wanted, times);
    return `${times === 1 ? wanted : `${wanted}${times}`}: ${typeOf(type.trim())}`;
  });
  const shorter = all.map((one) =>
    one.replace(/(\(\s*\*\s*\w*\s*\)\s*)\(.*\)$/s, '$1(...)').replace(/\s+/g, ' '),
  );
  const c = `${returned} ${name}(${shorter.join(', ')})`.replace(/\* /g, '*').replace(/\s+/g, ' ');
  return `  /** \`${c}\` */\n  ${name}(${typed.join(', ')}): ${typeOf(returned)};`;
}

const prototype = (name: string): RegExp =>
  new RegExp(
    `^[ \\t]*(?:EXPORT\\(${name}\\) )?(?:SQLITE_API )?([\\w ]+?[ *]+)${name}\\(([^;]*?)\\)\\s*;`,
    'm',
  );

function bindings(): string {
  const listed = readFileSync(join(core, 'c/exports.txt'), 'utf8').split('\n').filter(Boolean);
  // The C files export these functions, because the linker cannot export wrapped functions.
  const wrapped = [
    'sqlite3_close_v2',
    'sqlite3_exec',
    'sqlite3_finalize',
    'sqlite3_prepare_v3',
    'sqlite3_reset',
    'sqlite3_step',
  ];
  const bridge = [...host.matchAll(/EXPORT\((bridge_\w+)\)/g)].map(([, name = '']) => name);
  const entry = (name: string, header: string): string => {
    const found = prototype(name).exec(header);
    if (!found) throw new Error(`${name} has no prototype`);
    const [, returned = '', parameters = ''] = found;
    return binding(returned.trim(), name, parameters);
  };
  const functions = [
    ...[...listed, ...wrapped].sort().map((name) => entry(name, sqlite)),
    ...bridge.map((name) => entry(name, host)),
  ];
  return `${own}

import type { WasmMemory } from './web-assembly.js';

/**
 * The seam: every function that the core exports, by its C name. Pointers and 32-bit integers are numbers
 * (a returned pointer is signed: \`>>> 0\` makes it an address), 64-bit integers are bigints.
 *
 * Nothing above \`core/\` calls these with pointers of its own making; see the C documentation at
 * https://www.sqlite.org/c3ref/funclist.html and https://www.sqlite.org/session/funclist.html, and
 * \`c/host.h\` for the functions named \`bridge_\`.
 */
export interface Bindings {
  readonly memory: WasmMemory;
  /** Runs the constructors of libc; called once. */
  _initialize(): void;

${functions.join('\n\n')}
}
`;
}

/** Formats a file as `npm run format` does. */
function formatted(path: string, text: string): string {
  const biome = join(root, 'node_modules/.bin/biome');
  return execFileSync(biome, ['format', `--stdin-file-path=${path}`], {
    input: text,
    encoding: 'utf8',
    cwd: root,
  });
}

for (const [path, text] of [
  ['host/core/constants.ts', constants()],
  ['host/core/bindings.ts', bindings()],
  ...(await watFiles(own)),
] as const) {
  const file = join(root, path);
  const made = formatted(path, text);
  if (!process.argv.includes('--check')) writeFileSync(file, made);
  else if (readFileSync(file, 'utf8') !== made) {
    console.error(`${path} differs from its sources: run npm run build:tables`);
    process.exitCode = 1;
  }
}
