/** The workloads for sessions and changesets. work-sessions.c is the same in C. */

import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Codec from 'sqlite-wasm-run/changeset';
import { type Bench, content, hashed, insert, peakMemory } from './bench.js';
import type { Database, Session } from './peers.js';

function record(db: Database): Session {
  const session = db.createSession?.();
  if (!session) throw new Error('this program has no sessions');
  return session;
}

/**
 * The updated rows are inserted before the session starts, because the session would otherwise record them as inserted.
 */
function filled({ open, rows }: Bench): Database {
  const db = open(':memory:');
  insert(db, 1, rows);
  return db;
}

/** Inserts `rows` rows and updates as many other rows. */
export function change(db: Database, rows: number): void {
  insert(db, rows + 1, rows);
  const statement = db.prepare('UPDATE t SET n = n + 1, x = ? WHERE id = ?');
  db.exec('BEGIN');
  for (let i = 1; i <= rows; i++) statement.run(i * 0.25, i);
  db.exec('COMMIT');
  statement.finalize?.();
}

export function sessions(bench: Bench): void {
  const { rows, measure } = bench;
  const plain = filled(bench);
  measure(
    'plain',
    () => change(plain, rows),
    () => content(plain),
  );
  plain.close();
  const db = filled(bench);
  const session = record(db);
  measure(
    'captured',
    () => change(db, rows),
    () => content(db),
  );
  let changeset = new Uint8Array();
  const take = (): void => {
    changeset = session.changeset() as Uint8Array<ArrayBuffer>;
  };
  measure('changeset', take, () => hashed(changeset));
  db.close();
  const copy = filled(bench);
  measure(
    'apply',
    () => copy.applyChangeset?.(changeset),
    () => content(copy),
  );
  copy.close();
}

/** SQLite's operation codes. */
const [insertCode, deleteCode] = [18, 9];
const [integer, float, text] = [1, 2, 3];

/** Reads all values of all changes. Each change adds a million to the sum. */
function readValues({ ChangesetReader }: typeof Codec, bytes: Uint8Array): number {
  const reader = new ChangesetReader(bytes);
  let sum = 0;
  const take = (place: number): void => {
    switch (reader.typeAt(place)) {
      case integer:
        sum += reader.numberAt(place);
        break;
      case float:
        sum += reader.realAt(place);
        break;
      case text: {
        const value = reader.textAt(place);
        sum += value.charCodeAt(0) + value.length;
      }
    }
  };
  while (reader.next()) {
    const { op, columns } = reader;
    for (let i = 0; i < columns; i++) {
      if (op !== insertCode) take(reader.oldAt(i));
      if (op !== deleteCode) take(reader.newAt(i));
    }
    sum += 1e6;
  }
  return sum;
}

/** Measures the codec with changesets that the engine made. */
export async function codec(bench: Bench): Promise<void> {
  const { rows, module, measure } = bench;
  const path = pathToFileURL(join(dirname(module), 'changeset/index.js')).href;
  const own = (await import(path)) as typeof Codec;
  const db = filled(bench);
  const session = record(db);
  change(db, rows);
  const first = session.changeset();
  const second = record(db);
  db.exec('UPDATE t SET n = n + 2 WHERE id % 2 = 0; DELETE FROM t WHERE id % 5 = 0');
  const following = second.changeset();
  db.close();
  measure('codecRead', () => readValues(own, first));
  let made: Uint8Array = first;
  const keep = (action: () => Uint8Array) => (): void => {
    made = action();
  };
  measure(
    'codecInvert',
    keep(() => own.invert(first)),
    () => hashed(made),
  );
  measure(
    'codecConcat',
    keep(() => own.concat(first, following)),
    () => hashed(made),
  );
}

/** Captures ten times the rows with one statement in a file, and streams the changeset to another file. */
export function stream({ rows, file, open, close, report }: Bench): void {
  const db = open(file, 'PRAGMA journal_mode=DELETE');
  const session = record(db);
  db.exec(`INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c LIMIT ${10 * rows})
    SELECT i, i*7, 'the name of row number ' || i, i*0.5 FROM c`);
  const target = `${file}.changeset`;
  const output = openSync(target, 'w');
  let hash: number | undefined;
  const take = (piece: Uint8Array): void => {
    hash = hashed(piece, hash);
    writeSync(output, piece);
  };
  if (session.writeTo) session.writeTo(take);
  else take(session.changeset());
  closeSync(output);
  report('peak', peakMemory(), hash ?? 0);
  rmSync(target);
  close(db);
}

export function scale({ rows, open, report }: Bench): void {
  for (const [name, count] of [
    ['1M', 10 * rows],
    ['5M', 50 * rows],
  ] as const) {
    const timed = (work: string, action: () => void, proof: () => number): void => {
      const started = performance.now();
      action();
      report(work + name, ((performance.now() - started) * 1000) / count, proof());
    };
    const db = open(':memory:');
    const session = record(db);
    timed(
      'capture',
      () => insert(db, 1, count),
      () => content(db),
    );
    let changeset: Uint8Array = new Uint8Array();
    const take = (): void => {
      changeset = session.changeset();
    };
    timed('changeset', take, () => hashed(changeset));
    db.close();
    const copy = open(':memory:');
    timed(
      'apply',
      () => void copy.applyChangeset?.(changeset),
      () => content(copy),
    );
    copy.close();
  }
}
