/**
 * Components that violate the canonical ABI. Only the component may fail, never the connection, and it must not read
 * memory of others.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, SqliteError } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sharedFolder } from '../kit/folder.js';
import { guest as guestPath } from '../kit/guests.js';

const guest = guestPath('hostile');

const folder = sharedFolder('hostile');
let db: DatabaseSync;

beforeEach(() => {
  db = new DatabaseSync(':memory:', { allowExtension: true, grants: { sql: 'rw', memory: 2 ** 23 } });
  db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)');
});
afterEach(() => {
  db.close();
  delete process.env.SQLITE_WASM_RUN_CALLS;
});

/** The value of `hostile(number, ...)`, or the SQL error. */
function outcome(number: number, ...more: unknown[]): unknown {
  const holes = ', ?'.repeat(more.length);
  try {
    return db.prepare(`SELECT hostile(?${holes}) AS v`).get(BigInt(number), ...more)?.v;
  } catch (error) {
    if (error instanceof SqliteError) return error.message;
    throw error;
  }
}

/** Checks that the connection works, and that the component works after it is loaded again. */
function expectUsable(): void {
  expect(db.prepare('SELECT sum(a) AS v FROM t').get()).toEqual({ v: 6 });
  db.exec('BEGIN; INSERT INTO t VALUES (4); ROLLBACK');
  db.prepare('SELECT load_extension(?)').get(guest);
  expect(outcome(0)).toBe(1);
}

const trapped = (why: string): RegExp => new RegExp(`^hostile: component hostile trapped: .*${why}`);
const outside = trapped('outside its memory');

describe.each(['direct', 'linked', 'wrapped'])('calls %s:', (calls) => {
  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db.loadExtension(guest);
  });
  const direct = calls !== 'wrapped';

  // The last column is the result with jco's wrappers if it differs, because they cut data outside the memory.
  test.each<[string, number, RegExp | number | string, (RegExp | number | string)?]>([
    ['a result outside the memory', 1, outside, trapped('')],
    ['a result that is not aligned', 2, trapped('not aligned'), 'null'],
    ['text outside the memory', 3, outside, trapped('')],
    ['text of 4 GiB', 4, outside, trapped('')],
    ['a blob of 2 GiB', 5, outside, /^[\d,]+$/],
    ['a result of an unknown kind', 6, trapped('kind 7'), trapped('')],
    ['a value of an unknown kind', 7, trapped('kind 200'), trapped('')],
    ['text that is not UTF-8', 8, trapped('not UTF-8'), 'a\ufffd\ufffd'],
    ['an error whose text is outside the memory', 9, outside, /./],
    ['an error whose text is not UTF-8', 10, '\ufffd\ufffd'],
    ['an error that says success', 11, /./],
    ['an error of a negative code', 12, /./],
    ['a trap', 13, trapped('unreachable')],
    ['endless recursion', 14, trapped('')],
    ['a trap after the result', 15, trapped('unreachable')],
    ['a memory that grows', 16, 1],
    ['a name outside the memory', 30, outside],
    ['a name of 4 GiB', 31, outside],
    ['a name that is not UTF-8', 32, trapped('not UTF-8')],
    ['a place for a result outside the memory', 33, trapped('')],
    ['parameters outside the memory', 34, outside],
    ['4,294,967,295 parameters', 35, 1],
    ['a parameter of an unknown kind', 36, trapped('kind 9')],
    ['SQL outside the memory', 37, outside],
    ['a place for rows outside the memory', 38, trapped('')],
    ['SQL that is not UTF-8', 39, trapped('not UTF-8')],
    ['a message outside the memory', 40, outside],
    ['bytes outside the memory', 44, 1],
    ['a parameter outside the memory', 45, outside],
    ['a parameter that is not UTF-8', 46, trapped('not UTF-8')],
    ['rows stored outside the memory', 50, outside],
    ['rows stored at an address that is not aligned', 51, outside],
    ['no memory for rows', 52, trapped('the component cannot allocate')],
    ['all rows stored at one address', 53, 1],
    ['a memory that grows for rows', 54, 1],
    ['a trap while rows are stored', 55, trapped('unreachable')],
    ['SQL while rows are put', 56, 1],
  ])('%s', (_what, number, wanted, wrapped) => {
    const found = outcome(number);
    const expected = direct ? wanted : (wrapped ?? wanted);
    if (expected instanceof RegExp) expect(String(found)).toMatch(expected);
    else expect(String(found)).toBe(String(expected));
    expectUsable();
  });

  test.each([
    ['outside the memory', 20],
    ['not aligned', 21],
    ['nowhere', 22],
    ['in one place', 23],
    ['in a memory that grows', 24],
    ['with a trap', 25],
    ['with SQL in between', 26],
  ])('arguments stored %s', (_what, number) => {
    expect(outcome(number)).toBe(1);
    const found = outcome(0, 'abcdefgh', Uint8Array.of(0, 255), 'x'.repeat(70_000), 2.5);
    if (found !== 1) expect(String(found)).toMatch(trapped(''));
    expectUsable();
  });

  test('sessions that are made and forgotten', () => {
    expect(outcome(42)).toBe(10_000);
    expectUsable();
  });

  test('changesets that are made and forgotten', () => {
    expect(outcome(43)).toBe(10_000);
    expectUsable();
  });
});

describe('descriptions', () => {
  const bytes = readFileSync(guest);
  const place = bytes.indexOf('MODE:') + 5;
  /** The same component in another mode of test/guests/hostile.c. */
  const inMode = (mode: string): string => {
    const changed = Buffer.from(bytes);
    changed.write(mode, place);
    const file = join(folder, `mode-${mode}.wasm`);
    writeFileSync(file, changed);
    return file;
  };

  test.each([
    ['metadata outside the memory', 'a'],
    ['a name outside the memory', 'b'],
    ['a name of 2 GiB', 'c'],
    ['a trap', 'd'],
    ['functions outside the memory', 'k'],
    ['a list outside the memory', 'l'],
    ['a list of 2^28', 'm'],
    ['a function’s name outside the memory', 'n'],
    ['a function’s name of 4 GiB', 'o'],
    ['2000 arguments', 'p'],
    ['a name that is empty', 'q'],
    ['a name with U+0000', 'r'],
    ['a list that is not aligned', 't'],
    ['a million functions', 'u'],
  ])('%s', (_what, mode) => {
    const functions = (): unknown => db.prepare('SELECT count(*) AS v FROM pragma_function_list').get()?.v;
    const before = functions();
    let message = 'nothing was thrown';
    try {
      db.loadExtension(inMode(mode));
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(
      /failed to describe itself: .|component \w* ?describes function .* allowed|contains U\+0000|describes 1000000 functions, but the limit is 10000/,
    );
    expect(functions()).toBe(before);
    expectUsable();
  });
});
