/** Functions that all groups of workloads share. */

import { existsSync, readFileSync } from 'node:fs';
import type { Database, Row } from './peers.js';

export interface Bench {
  readonly rows: number;
  readonly folder: string;
  readonly module: string;
  readonly file: string;
  open(path: string, mode?: string): Database;
  /** Closes a database and deletes its files. */
  close(db: Database): void;
  report(work: string, value: number, proof: number): void;
  /** Reports the time of an action, and the number that the action or `proof` returns. */
  measure(work: string, action: () => number): void;
  measure(work: string, action: () => unknown, proof: () => number): void;
}

export function number(db: Database, sql: string): number {
  const statement = db.prepare(sql);
  const [value] = Object.values(statement.get() as Row);
  statement.finalize?.();
  return Number(value);
}

export function content(db: Database): number {
  return number(db, 'SELECT count(*) + sum(id) + sum(n) + sum(x) + sum(length(name)) FROM t');
}

export function insert(db: Database, from: number, count: number, each = false): void {
  const statement = db.prepare('INSERT INTO t VALUES(?, ?, ?, ?)');
  if (!each) db.exec('BEGIN');
  for (let i = from; i < from + count; i++) statement.run(i, i * 7, `the name of row number ${i}`, i * 0.5);
  if (!each) db.exec('COMMIT');
  statement.finalize?.();
}

/**
 * The FNV-1a hash of bytes, which shows whether two programs made the same bytes. For pieces, pass the previous result
 * as `before`.
 */
export function hashed(bytes: Uint8Array, before = 2166136261): number {
  let hash = before;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 16777619);
  return hash >>> 0;
}

/**
 * The peak memory of this process in MB. On Linux `maxRSS` is wrong, because it includes the peak of the parent
 * process.
 */
export function peakMemory(): number {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  const [, kb] = /VmHWM:\s*(\d+)/.exec(status) ?? [];
  return (kb === undefined ? process.resourceUsage().maxRSS : Number(kb)) / 1024;
}
