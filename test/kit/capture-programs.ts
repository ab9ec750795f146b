/** Random programs of statements for captures, and the comparison of a replay. */

import { DatabaseSync } from 'sqlite-wasm-run';
import { contentOf } from './outcome.js';
import { randomOf } from './random.js';

const actions = [
  '',
  'ON DELETE CASCADE',
  'ON DELETE SET NULL',
  'DEFERRABLE INITIALLY DEFERRED',
  'ON UPDATE CASCADE',
];

/** The initial content of both databases. */
export function setup(seed: number): string {
  const random = randomOf(seed + 77);
  const action = actions[random(actions.length)] ?? '';
  return `CREATE TABLE p(id INTEGER PRIMARY KEY, n);
    CREATE TABLE c(id INTEGER PRIMARY KEY, p INT REFERENCES p(id) ${action});
    CREATE TABLE s(id INTEGER PRIMARY KEY, up INT REFERENCES s ${action});
    CREATE TABLE w(k TEXT, n INT, v, PRIMARY KEY(k, n)) WITHOUT ROWID;
    CREATE TABLE nk(a, b);
    CREATE TABLE log(id INTEGER PRIMARY KEY, x);
    ${random(2) ? 'CREATE TRIGGER tr AFTER INSERT ON p BEGIN INSERT INTO log(x) VALUES(new.id); END;' : ''}
    ${random(3) ? '' : 'CREATE VIRTUAL TABLE f USING fts5(x);'}
    ${random(3) ? '' : 'CREATE VIRTUAL TABLE r USING rtree(id, a, b);'}
    INSERT INTO p VALUES(1,'x'),(2,'y'),(3,'z'); INSERT INTO c VALUES(10,1),(11,2),(12,NULL);
    INSERT INTO s VALUES(1,NULL),(2,1),(3,2); INSERT INTO w VALUES('a',1,1),('b',2,2);`;
}

/** The statements of a program; some of them fail. */
export function program(seed: number): string[] {
  const random = randomOf(seed);
  const pick = (...of: string[]): string => of[random(of.length)] ?? '';
  const table = (): string => pick('p', 'c', 's', 'w', 'nk', 't1', 't2', 'new_p', 'log');
  const rebuild = (): string[] => {
    const name = pick('p', 'c', 's', 'w', 'nk');
    const key = pick('id INTEGER PRIMARY KEY', 'id INT PRIMARY KEY', 'id');
    const steps = [
      `CREATE TABLE new_${name}(${key}, n, extra DEFAULT ${random(9)})`,
      `INSERT INTO new_${name}(id, n) SELECT * FROM (SELECT ${name === 'w' ? 'k, n' : name === 'nk' ? 'a, b' : 'rowid, 5'} FROM ${name})`,
      `DROP TABLE ${name}`,
      `ALTER TABLE new_${name} RENAME TO ${name}`,
    ];
    return random(3)
      ? ['PRAGMA foreign_keys=OFF', 'BEGIN', ...steps, 'COMMIT', 'PRAGMA foreign_keys=ON']
      : steps;
  };
  const one = (): string[] => {
    const id = random(12);
    switch (random(34)) {
      case 0:
        return rebuild();
      case 1:
        return [
          `CREATE TABLE ${pick('t1', 't2')}(${pick('a INTEGER PRIMARY KEY', 'a PRIMARY KEY', 'a', 'a REFERENCES p ON DELETE CASCADE')}, b)`,
        ];
      case 2:
        return [`CREATE TABLE ${pick('t1', 't2')} AS SELECT * FROM ${table()}`];
      case 3:
        return [`DROP TABLE ${pick('', 'IF EXISTS ')}${table()}`];
      case 4:
        return [`ALTER TABLE ${table()} ADD COLUMN x${random(3)} DEFAULT ${id}`];
      case 5:
        return [`ALTER TABLE ${table()} DROP COLUMN x${random(3)}`];
      case 6:
        return [`ALTER TABLE ${table()} RENAME TO ${table()}`];
      case 7:
        return [`ALTER TABLE ${table()} RENAME COLUMN n TO m${random(2)}`];
      case 8:
        return [`PRAGMA foreign_keys=${pick('ON', 'OFF')}`];
      case 9:
        return [`PRAGMA legacy_alter_table=${pick('ON', 'OFF', 'OFF')}`];
      case 10:
        return ['BEGIN', 'PRAGMA defer_foreign_keys=ON'];
      case 11:
        return [pick('BEGIN', 'SAVEPOINT s0', 'SAVEPOINT s1')];
      case 12:
        return [pick('COMMIT', 'RELEASE s0', 'RELEASE s1')];
      case 13:
        return [pick('ROLLBACK', 'ROLLBACK TO s0', 'ROLLBACK TO s1')];
      case 14:
        return [
          `CREATE INDEX ${pick('', 'IF NOT EXISTS ')}i${random(3)} ON ${table()}(${pick('n', 'b', 'p')})`,
        ];
      case 15:
        return [
          `CREATE TRIGGER tr${random(2)} AFTER ${pick('INSERT', 'DELETE')} ON ${table()} BEGIN INSERT INTO log(x) VALUES(${id}); END`,
        ];
      case 16:
        return [pick('CREATE VIRTUAL TABLE f USING fts5(x)', 'DROP TABLE f', 'ALTER TABLE f RENAME TO f2')];
      case 17:
      case 18:
        return [`INSERT INTO f(x) VALUES('word${id} and ${random(99)}')`];
      case 19:
        return [
          pick('DELETE FROM f WHERE rowid % 2', `UPDATE f SET x='changed ${id}' WHERE rowid=${random(4)}`),
        ];
      case 20:
        return [`INSERT OR REPLACE INTO r VALUES(${id}, ${random(50)}, ${50 + random(50)})`];
      case 21:
        return ['DELETE FROM r WHERE id % 3 = 1'];
      case 22:
        return [`DELETE FROM ${table()} WHERE rowid % 4 = ${random(4)}`];
      case 23:
        return [`UPDATE p SET id = id + 10 WHERE id > ${id}`];
      case 24:
        return [`UPDATE ${table()} SET n = ${id}`];
      case 25:
        return [`INSERT OR REPLACE INTO w VALUES('${pick('a', 'b', 'c')}', ${random(4)}, ${id})`];
      case 26:
        return [`INSERT INTO nk VALUES(${id}, 'nk')`];
      case 27:
        return [`INSERT INTO s VALUES(NULL, ${1 + random(4)})`];
      case 28:
        return ['ANALYZE'];
      case 29:
        return [`DELETE FROM p WHERE id = ${random(4)}`];
      case 30:
        return [`INSERT INTO c VALUES(NULL, ${pick('NULL', '1', '2', `${id}`)})`];
      default:
        return [`INSERT OR REPLACE INTO ${pick('p', 't1', 't2')} VALUES(${id}, '${id} ${random(99)}')`];
    }
  };
  return Array.from({ length: 8 + random(25) }, one).flat();
}

export type Outcome = { kind: 'equal' } | { kind: 'refused' | 'different'; message: string };

/** Captures a program and replays it, in several pieces, with foreign keys on or off. */
export function differences(seed: number): Outcome {
  const random = randomOf(seed + 13);
  const source = new DatabaseSync(':memory:');
  const target = new DatabaseSync(':memory:');
  try {
    for (const db of [source, target]) db.exec(setup(seed));
    const keysOn = random(2) === 0;
    target.exec(`PRAGMA foreign_keys=${keysOn ? 'ON' : 'OFF'}`);
    const capture = source.capture({ rowid: true });
    const replay = (): string | undefined => {
      try {
        // With foreign keys off, rows with violated references were accepted. At the target they cause a conflict,
        // which is omitted.
        const report = target.applyCapture(capture.take(), {
          policy: [{ conflict: 'foreign-key', action: 'omit' }],
        });
        return report.applied ? undefined : `not applied: ${JSON.stringify(report.entries.at(-1))}`;
      } catch (error) {
        return (error as Error).message;
      }
    };
    for (const sql of program(seed)) {
      try {
        source.exec(sql);
      } catch {}
      if (!source.isTransaction && random(12) === 0) {
        const refused = replay();
        if (refused !== undefined) return { kind: 'refused', message: refused };
      }
    }
    if (source.isTransaction) source.exec('ROLLBACK');
    const refused = replay();
    if (refused !== undefined) return { kind: 'refused', message: refused };
    const [wanted, found] = [contentOf(source), contentOf(target)];
    if (wanted !== found) return { kind: 'different', message: `wanted:\n${wanted}\nfound:\n${found}` };
    const sound = target.prepare('PRAGMA integrity_check').all();
    if (sound[0]?.integrity_check !== 'ok') return { kind: 'different', message: JSON.stringify(sound) };
    return { kind: 'equal' };
  } finally {
    source.close();
    target.close();
  }
}
