/** Changesets as streams: the memory that they use, and the resources left when they end early. */

import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Changeset, ChangesetGroup, DatabaseSync } from 'sqlite-wasm-run';
import { afterAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'streams-'));
afterAll(() => rmSync(folder, { recursive: true }));

const mebibyte = 2 ** 20;
/** The peak memory of the process in MiB. */
const peak = (): number => process.resourceUsage().maxRSS / 1024;

/** A database in a file, with a session that recorded `megabytes` rows of a MiB each. */
function recorded(name: string, megabytes: number) {
  const db = new DatabaseSync(join(folder, name));
  db.exec('PRAGMA cache_size=-2000; CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)');
  const session = db.createSession();
  db.exec(`WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<${megabytes})
           INSERT INTO t SELECT x, zeroblob(${mebibyte}) FROM c`);
  return { db, session };
}

async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** Files without a name that the process holds open, if the system lists them. */
function nameless(): number {
  try {
    return readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return /etilqs_.*deleted/.test(readlinkSync(`/proc/self/fd/${fd}`));
      } catch {
        return false;
      }
    }).length;
  } catch {
    return 0;
  }
}

test('a changeset of 100 MiB goes from one database to another in much less memory', async () => {
  const { db, session } = recorded('large.db', 100);
  // A row of 1 MiB is copied several times, independently of the number of rows.
  const warm = recorded('warm.db', 10);
  const other = new DatabaseSync(join(folder, 'other.db'));
  other.exec('PRAGMA cache_size=-2000; CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)');
  const tables: readonly string[] = ['!*'];
  await other.applyStream(piecesOf(warm.session.changesetStream()), { tables });
  const before = peak();
  const report = await other.applyStream(piecesOf(session.changesetStream()));
  expect(report).toMatchObject({ applied: true, changes: 100 });
  expect(peak() - before).toBeLessThan(100);
  expect(other.prepare('SELECT count(*) AS n, sum(length(b)) AS bytes FROM t').get()).toEqual({
    n: 100,
    bytes: 100 * mebibyte,
  });
  for (const one of [db, warm.db, other]) one.close();
  expect(nameless()).toBe(0);
});

describe('a stream', () => {
  test('shows what was recorded when it was made', async () => {
    const { db, session } = recorded('moment.db', 3);
    const stream = session.changesetStream();
    const whole = session.changeset();
    db.exec('DELETE FROM t');
    session.close();
    expect(Buffer.compare((await Changeset.from(piecesOf(stream))).bytes, whole)).toBe(0);
    db.close();
  });
  test('that is canceled, or read to its end, leaves no file', async () => {
    const { db, session } = recorded('left.db', 3);
    const stream = session.changesetStream();
    const reader = stream.getReader();
    expect((await reader.read()).value?.length).toBeGreaterThan(0);
    await reader.cancel();
    using group = new ChangesetGroup();
    group.add(session.changeset());
    expect((await Changeset.from(piecesOf(group.outputStream()))).bytes).toEqual(group.output().bytes);
    db.close();
    expect(nameless()).toBe(0);
  });
  test('of a session that cannot be read fails at once, as the session does', () => {
    const { db, session } = recorded('lost.db', 1);
    db.exec('ALTER TABLE t DROP COLUMN b');
    expect(() => session.changesetStream()).toThrow(
      'database schema has changed: a recorded table was dropped, renamed or lost a column; session_take (take() in code) returns the changes recorded before that',
    );
    db.close();
  });
});

describe('pieces that arrive over time', () => {
  const database = (): DatabaseSync => {
    const db = new DatabaseSync(':memory:');
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)');
    return db;
  };
  test('that are not bytes, and those that fail half way, change nothing', async () => {
    const { db, session } = recorded('half.db', 2);
    const bytes = session.changeset();
    const other = database();
    async function* broken(error?: Error): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, mebibyte + 100_000);
      if (error) throw error;
    }
    const error = new Error('the line is dead');
    await expect(other.applyStream(broken(error))).rejects.toBe(error);
    await expect(other.applyStream(broken())).rejects.toThrow(/malformed/);
    await expect(other.applyStream(['text'] as unknown as Uint8Array[])).rejects.toThrow(
      'A piece of a changeset must be a Uint8Array.',
    );
    await expect(other.applyStream(bytes as unknown as Uint8Array[])).rejects.toThrow(
      'The "pieces" argument must be an iterable of Uint8Arrays, such as an array or a stream.',
    );
    expect(await other.applyStream([])).toMatchObject({ applied: true, changes: 0, tables: [] });
    expect(other.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 0 });
    db.close();
    expect(nameless()).toBe(0);
  });
  test('return the same report as the whole changeset', async () => {
    const { db, session } = recorded('same.db', 2);
    const bytes = session.changeset();
    const options = { policy: 'theirs', invert: false } as const;
    const [whole, streamed] = [database(), database()].map((other) => {
      other.exec("INSERT INTO t VALUES(1, 'there')");
      return other;
    });
    expect(await streamed?.applyStream([bytes.subarray(0, 7), bytes.subarray(7)], options)).toEqual(
      whole?.apply(bytes, options),
    );
    db.close();
  });
});
