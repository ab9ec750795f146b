/** Converts the type, size and times of a file to the form of wasi:filesystem. */

import type { BigIntStats, Dirent } from 'node:fs';

interface DateTime {
  seconds: bigint;
  nanoseconds: number;
}
export type NewTimestamp = { tag: 'no-change' | 'now' } | { tag: 'timestamp'; val: DateTime };
export type FileType =
  | 'block-device'
  | 'character-device'
  | 'directory'
  | 'fifo'
  | 'symbolic-link'
  | 'regular-file'
  | 'socket'
  | 'unknown';
export interface FileStat {
  type: FileType;
  linkCount: bigint;
  size: bigint;
  dataAccessTimestamp: DateTime;
  dataModificationTimestamp: DateTime;
  statusChangeTimestamp: DateTime;
}

export function typeOf(of: BigIntStats | Dirent): FileType {
  if (of.isFile()) return 'regular-file';
  if (of.isDirectory()) return 'directory';
  if (of.isSymbolicLink()) return 'symbolic-link';
  if (of.isFIFO()) return 'fifo';
  if (of.isSocket()) return 'socket';
  if (of.isCharacterDevice()) return 'character-device';
  return of.isBlockDevice() ? 'block-device' : 'unknown';
}

const second = 1_000_000_000n;
const dateTime = (ns: bigint): DateTime => ({ seconds: ns / second, nanoseconds: Number(ns % second) });

export function statOf(stats: BigIntStats): FileStat {
  return {
    type: typeOf(stats),
    linkCount: stats.nlink,
    size: stats.size,
    dataAccessTimestamp: dateTime(stats.atimeNs),
    dataModificationTimestamp: dateTime(stats.mtimeNs),
    statusChangeTimestamp: dateTime(stats.ctimeNs),
  };
}

/** Converts a new file time to seconds. */
export function secondsOf(time: NewTimestamp, now: bigint): number {
  if (time.tag === 'timestamp') return Number(time.val.seconds) + time.val.nanoseconds / 1e9;
  return time.tag === 'now' ? Date.now() / 1000 : Number(now) / 1e9;
}
