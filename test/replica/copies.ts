/** Copies in memory and their history, to run the steps of a driver without waiting. */

import { DatabaseSync } from 'sqlite-wasm-run';
import type { ReplicaPolicy } from 'sqlite-wasm-run/replica';
import type { Copy as CopyType } from '../../dist/replica/copy.js';
import type { Incoming } from '../../dist/replica/incoming.js';
import type { Received } from '../../dist/replica/receiving.js';
import { Copy, decodeMessage, makeCopy, transactionsOf } from './internals.js';
import { MemoryStream, type Random } from './log.js';

export const identity = '00000000-0000-4000-8000-000000000001';

/** A stream with an identity. */
export function stream(): MemoryStream {
  const made = new MemoryStream();
  made.identity = identity;
  return made;
}

/** A stored message. The copy checks whether it follows the previous one. */
function incoming(sequence: number, bytes: Uint8Array): Incoming {
  const none = { sequence, bytes, message: undefined, transactions: [] };
  try {
    const message = decodeMessage(bytes);
    return { sequence, bytes, message, transactions: transactionsOf(message, message.body) };
  } catch {
    return none;
  }
}

/** Opens the copy in a file, or a new one. */
export function openCopy(path: string, random: Random, policy: ReplicaPolicy = 'rerun'): CopyType {
  const database = new DatabaseSync(path);
  if (path === ':memory:') makeCopy(database, identity, random.uuid());
  let now = 0;
  return new Copy(database, policy, { now: () => ++now, uuid: () => random.uuid() });
}

/** Applies the new messages of the history. */
export function pull(copy: CopyType, from: MemoryStream, most = 100): Received {
  const batch: Incoming[] = [];
  let { sequence } = copy.state;
  while (sequence < from.last && batch.length < most) {
    sequence += 1;
    batch.push(incoming(sequence, from.messages.get(sequence) ?? new Uint8Array(0)));
  }
  return copy.receive(batch);
}

/** Publishes the next pending transactions. Returns whether they were stored. */
export function push(copy: CopyType, to: MemoryStream, loses = false): boolean {
  const message = copy.outgoing(to.maxMessage);
  if (!message) return false;
  const sequence = to.store(message.bytes, message.expected);
  if (sequence === undefined) return false;
  if (!loses) copy.acknowledged(message, sequence);
  return true;
}

/** Pushes and pulls until nothing is pending. */
export function settle(stream: MemoryStream, ...copies: CopyType[]): void {
  for (let rounds = 0; ; rounds++) {
    if (rounds > 1000) throw new Error('the copies do not settle');
    for (const copy of copies) {
      if (copy.pending.length > 0) push(copy, stream);
      if (copy.state.sequence < stream.last) pull(copy, stream);
    }
    if (copies.every((copy) => copy.pending.length === 0 && copy.state.sequence === stream.last)) return;
  }
}

/** Everything in a database that copies share. */
export function contents(database: DatabaseSync): unknown {
  const tables = database
    .prepare(
      "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE '\\_sqlite\\_wasm\\_run%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .all();
  const shadows = database.prepare("SELECT name FROM pragma_table_list WHERE type='shadow'").all();
  const kept = new Set(shadows.map(({ name }) => name)); // the segments of a full-text table differ between copies
  return tables.map(({ name, sql }) => {
    const isTable = /^create (virtual )?table/i.test(String(sql)) && !kept.has(name);
    if (!isTable) return [name, sql];
    const columns = /^create virtual/i.test(String(sql)) ? 'rowid, *' : '*';
    const rows = database
      .prepare(`SELECT ${columns} FROM "${name}"`, { returnArrays: true, readBigInts: true })
      .all();
    return [name, sql, rows.map((row) => JSON.stringify((row as unknown as unknown[]).map(plain))).sort()];
  });
}

/** Runs schema changes in all copies, as messages of the first. */
export function schema(stream: MemoryStream, copies: readonly CopyType[], sql: string): void {
  settle(stream, ...copies);
  const [first] = copies;
  if (!first) return;
  const ran = first.speculate((database) => database.exec(sql));
  const { message } = first.outgoingOf(ran, stream.maxMessage);
  if (stream.store(message.bytes, message.expected) === undefined) throw new Error('refused');
  settle(stream, ...copies);
}

/** Converts a value to a unique text. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  return value instanceof Uint8Array ? `x${Buffer.from(value).toString('hex')}` : value;
}
