/** Statements that change a table v(a UNIQUE, b, c), with transactions and savepoints: the same at every run. */

import { random } from './sample-queries.js';

/** `count` statements. Some statements fail by the rules of SQL. */
export function scripts(seed: number, count: number): string[] {
  const next = random(seed);
  const pick = <T>(list: readonly T[]): T => list[next(list.length)] as T;
  const mode = (): string =>
    pick(['', '', '', 'OR ABORT', 'OR FAIL', 'OR IGNORE', 'OR REPLACE', 'OR ROLLBACK']);
  const key = (): string => pick(['NULL', ...Array.from({ length: 6 }, () => String(next(16)))]);
  const value = (): string => pick(['NULL', `'t${next(50)}'`, `${next(9)}.5`, `x'0${next(9)}'`, '-7', "''"]);
  const condition = (): string =>
    pick([
      `rowid = ${next(20)}`,
      `rowid > ${next(20)}`,
      `a = ${next(16)}`,
      `a < ${next(16)}`,
      `a IS NULL`,
      `rowid IN (${next(20)}, ${next(20)}, ${next(20)})`,
      `b > 't3'`,
    ]);
  const list = (make: () => string): string => Array.from({ length: 1 + next(3) }, make).join(', ');
  const name = (): string => `s${next(3)}`;

  const kinds: (() => string)[] = [
    () => `INSERT ${mode()} INTO v VALUES ${list(() => `(${key()}, ${value()}, ${value()})`)}`,
    () => `INSERT ${mode()} INTO v(rowid, a, b) VALUES ${list(() => `(${next(20)}, ${key()}, ${value()})`)}`,
    () =>
      `INSERT ${mode()} INTO v(a, b) SELECT a + ${1 + next(8)}, b FROM v WHERE ${condition()} ORDER BY rowid LIMIT 3`,
    () => `REPLACE INTO v(rowid, a) VALUES (${next(20)}, ${key()})`,
    () => `UPDATE ${mode()} v NOT INDEXED SET a = a + ${1 + next(3)} WHERE ${condition()}`,
    () => `UPDATE ${mode()} v NOT INDEXED SET b = ${value()}, c = b WHERE ${condition()}`,
    () => `UPDATE ${mode()} v SET rowid = ${next(20)}, c = ${value()} WHERE rowid = ${next(20)}`,
    () => `UPDATE ${mode()} v SET a = ${key()} WHERE rowid = ${next(20)}`,
    () => `DELETE FROM v WHERE ${condition()}`,
    () => 'BEGIN',
    () => pick(['COMMIT', 'ROLLBACK']),
    () => `SAVEPOINT ${name()}`,
    () => `SAVEPOINT ${name()}`,
    () => `ROLLBACK TO ${name()}`,
    () => `ROLLBACK TO ${name()}`,
    () => `RELEASE ${name()}`,
  ];
  return Array.from({ length: count }, () => pick(kinds)());
}
