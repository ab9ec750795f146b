/**
 * Text of a component is escaped before it is printed: it cannot move the cursor or forge a line, and long text is cut.
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { shown, shownJson, shownName } from '../../host/core/shown.js';
import { sharedFolder } from '../kit/folder.js';
import { type Forged, fitting, forge } from '../kit/forger.js';
import { program } from '../kit/program.js';

const folder = sharedFolder('foreign-text');

/** Characters that a terminal interprets or a reader does not see, except line ends. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression searches for them
const obeyed = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;

function run(args: readonly string[], input = ''): { stdout: string; stderr: string } {
  const { stdout, stderr } = spawnSync(process.execPath, [program, ...args], { input, encoding: 'utf8' });
  return { stdout, stderr };
}

/** All text that a forged component can make this program print, by place. */
function printed(texts: Forged): Record<string, string> {
  const file = forge(join(folder, 'forged.wasm'), texts);
  const script = [
    `.load ${file}`,
    'SELECT forge_fail();',
    'SELECT forge_log();',
    'SELECT forge_fail();',
  ].join('\n');
  const text = run(['inspect', file]);
  const json = run(['inspect', '--json', file]);
  const shell = run(['--allow-replace', ':memory:'], `${script}\n`);
  return {
    inspect: text.stdout + text.stderr,
    json: json.stdout + json.stderr,
    shell: shell.stdout + shell.stderr,
    api: fromApi(file, texts.function ?? 'forged'),
  };
}

/** The log of a program that uses the component. */
function fromApi(file: string, name: string): string {
  const quoted = `"${fitting(name).replaceAll('"', '""')}"`;
  using db = new DatabaseSync(':memory:', { allowExtension: true, grants: { replace: true } });
  const lines: string[] = [];
  const attempt = (action: () => unknown): void => {
    try {
      action();
    } catch (error) {
      lines.push((error as Error).message);
    }
  };
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    attempt(() => db.loadExtension(file));
    attempt(() => db.prepare('SELECT forge_fail()').get());
    attempt(() => db.prepare('SELECT forge_log()').get());
    attempt(() => db.prepare(`SELECT ${quoted}(1)`).get());
    attempt(() => db.prepare(`SELECT ${quoted}(1)`).get());
    return [...lines, ...write.mock.calls.map(([line]) => String(line).trimEnd())].join('\n');
  } finally {
    write.mockRestore();
  }
}

const linesOf = (found: Record<string, string>): Record<string, number> =>
  Object.fromEntries(Object.entries(found).map(([where, text]) => [where, text.split('\n').length]));

const everywhere = (text: string): Forged => ({
  name: text,
  version: text,
  function: `f${text}`,
  message: text,
});

describe('a component that says of itself', () => {
  let honest: Record<string, number>;
  beforeAll(() => {
    honest = linesOf(printed(everywhere('honest')));
  }, 60_000);

  test.each([
    ['lines of inspect', 'x\n  imports    none\n  loads      yes'],
    ['the cursor up and lines deleted', '\x1b[2J\x1b[1;1H\x1b]0;title\x07\x1b[31mred'],
    ['carriage returns and backspaces', 'real\r\x08\x08\x08fake\x7f'],
    ['C1 controls', 'a\x9b2Jb\x90c\x9c'],
    ['right-to-left text', 'gpj.\u202egnp.exe\u2066\u2069\u200f'],
    ['line and paragraph separators', 'a\u2028  loads      yes\u2029b'],
    ['invisible characters', 'a\u200bb\ufeffc\u00add'],
    ['quotes and marks of SQL', `'"; DROP TABLE t; --`],
  ])(
    '%s prints it as text',
    (_what, text) => {
      const found = printed(everywhere(text));
      for (const [where, all] of Object.entries(found)) expect(all, where).not.toMatch(obeyed);
      expect(linesOf(found)).toEqual(honest);
      const said: { described?: { name: string }; failed?: string } = JSON.parse(found.json ?? '');
      expect(said.described?.name ?? said.failed).toBe(text);
    },
    60_000,
  );

  test('random texts, in every place', () => {
    let seed = 20260915;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    const pieces = [
      '\n',
      '\r',
      '\t',
      '\x1b[',
      '\x9b',
      '\x07',
      '\u202e',
      '\u2028',
      '\u200b',
      'é',
      '中',
      '😀',
      '"',
      "'",
      '\\',
      '%s',
      '\u{e0041}',
      '\u0301',
      'x',
      ' ',
    ];
    for (let round = 0; round < 4; round++) {
      const text = Array.from({ length: 1 + random(40) }, () => {
        return random(4) > 0 ? pieces[random(pieces.length)] : String.fromCodePoint(1 + random(0xd7ff));
      }).join('');
      const found = printed(everywhere(text));
      for (const [where, all] of Object.entries(found)) {
        expect(all, `${where}: ${JSON.stringify(text)}`).not.toMatch(obeyed);
      }
      expect(linesOf(found), JSON.stringify(text)).toEqual(honest);
    }
  }, 120_000);
});

describe('shown', () => {
  test.each([
    ['plain text, é 中 😀 👩‍👩‍👧', 'plain text, é 中 😀 👩‍👩‍👧'],
    ['a\nb\tc\rd', 'a\\nb\\tc\\rd'],
    ['\x1b[2J\x00\x7f\x9b', '\\x1b[2J\\x00\\x7f\\x9b'],
    ['\u202eevil\u2028', '\\u{202e}evil\\u{2028}'],
    ['\ud800', '\\u{d800}'],
    ['\u{e0041}', '\\u{e0041}'],
  ])('%j', (text, wanted) => {
    expect(shown(text)).toBe(wanted);
  });

  test('cuts the text and reports its length', () => {
    expect(shown('x'.repeat(5000))).toBe(`${'x'.repeat(4096)}... (5000 characters)`);
    expect(shownName('x'.repeat(301))).toBe(`${'x'.repeat(300)}... (301 characters)`);
    expect(shown('x'.repeat(4096))).toBe('x'.repeat(4096));
  });

  test('keeps the meaning of JSON', () => {
    const value = { name: 'a\x9b\u2028\u{e0041}\n"\\', list: ['\u202e'] };
    const json = shownJson(JSON.stringify(value, null, 2));
    expect(json).not.toMatch(obeyed);
    expect(JSON.parse(json)).toEqual(value);
  });
});
