/** Reads the SQL of speedtest1 that test/programs/trace.c prints, and runs it in shells and with the API. */

import { join } from 'node:path';
import { dist } from '../sources.js';

export interface Test {
  /** The number and name of the test; "setup" for the SQL before the first test. */
  readonly title: string;
  readonly statements: readonly string[];
}

/** Reads the output of the program. */
export function testsOf(log: Buffer): Test[] {
  const tests: { title: string; statements: string[] }[] = [{ title: 'setup', statements: [] }];
  const titles = new Map<string, number>();
  let at = 0;
  for (;;) {
    const found = log.indexOf('\n#SQL ', at);
    const said = log.toString('utf8', at, found < 0 ? log.length : found);
    for (const [, number = '', name = ''] of said.matchAll(/^ *(\d+) - (.*?)\.* (?: *\d+\.\d+s)?$/gm)) {
      const title = `${number} ${name}`;
      const before = titles.get(title) ?? 0;
      titles.set(title, before + 1);
      tests.push({ title: before > 0 ? `${title} (${before + 1})` : title, statements: [] });
    }
    if (found < 0) return tests;
    const line = log.indexOf('\n', found + 1);
    const end = line + 1 + Number(log.toString('latin1', found + 6, line));
    tests.at(-1)?.statements.push(withoutCallback(log.toString('utf8', line + 1, end)));
    at = end;
  }
}

/** Replaces a query with a geometry callback in C by the equivalent SQL, which the program also contains. */
function withoutCallback(sql: string): string {
  return sql.replace(/\bid MATCH xslice\((\d+),(\d+)\)/, 'y1>=$1 AND y0<=$2');
}

/** Writes a script for a shell, with the same random numbers in each run. */
export function writtenFor(tests: readonly Test[]): string {
  const lines = ['.mode quote'];
  for (const { title, statements } of tests) {
    lines.push(`.print "== ${title.replace(/["\\]/g, '\\$&')}"`, '.testctrl prng_seed 305419896');
    for (const sql of statements) lines.push(`${sql.replace(/[;\s]*$/, '')};`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * Returns a function that tells whether the program ignores the rows of a statement, because it runs the statement with
 * an exec function.
 */
export function discardedBy(source: string): (sql: string) => boolean {
  const calls = source.matchAll(/(?:speedtest1_exec\(|\*zSql\d =)\s*((?:"(?:[^"\\]|\\.)*"\s*)+)/g);
  const one = (text: string): string => text.replace(/[;\s]+/g, ' ').trim();
  const texts = [...calls].map(([, literals = '']) => {
    const pieces = [...literals.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, piece]) => piece);
    return one(pieces.join('').replace(/\\n/g, '\n').replace(/\\(.)/g, '$1').replaceAll('%%', '%'));
  });
  return (sql) => texts.some((text) => text.includes(one(sql)));
}

/**
 * Runs the statements.
 *
 * @returns the rows, in the format of the program's `--verify --output`
 */
export async function runByApi(
  tests: readonly Test[],
  file: string,
  isDiscarded: (sql: string) => boolean,
): Promise<string> {
  const { DatabaseSync } = (await import(join(dist, 'index.js'))) as typeof import('sqlite-wasm-run');
  const pieces: string[] = [];
  let [x, y] = [0, 0];
  const db = new DatabaseSync(file);
  try {
    db.function('random', () => {
      x = (x >>> 1) ^ (-(x & 1) & 0xd000_0001);
      y = (Math.imul(y, 1_103_515_245) + 12_345) | 0;
      return BigInt((x ^ y) >>> 0);
    });
    for (const [i, { statements }] of tests.entries()) {
      if (i > 0) [x, y] = [0xad13_1d0b, 0x44f9_eac8];
      for (const sql of statements) {
        const statement = db.prepare(sql, { readBigInts: true, returnArrays: true });
        const isCounted = i > 0 && statement.columns().length > 0 && !isDiscarded(sql);
        for (const row of statement.iterate() as Iterable<unknown>) {
          if (isCounted) for (const value of row as unknown[]) pieces.push(shown(value));
        }
        statement.close();
      }
    }
  } finally {
    db.close();
  }
  return `${pieces.join('\n')}\n`;
}

/** Formats a value: a letter for the type, and the value unless it is a REAL. */
function shown(value: unknown): string {
  if (value === null) return 'Nnil';
  if (typeof value === 'bigint') return `I${value}`;
  if (typeof value === 'number') return 'F';
  if (typeof value === 'string') return `T${Buffer.from(value).toString('latin1')}`;
  return `B${Buffer.from(value as Uint8Array).toString('hex')}`;
}
