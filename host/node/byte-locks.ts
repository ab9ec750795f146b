/** Locks on byte ranges of a file. SQLite's locks on a database consist of these, and each system implements them. */

export const pendingByte = 0x40000000;
export const reservedByte = pendingByte + 1;
export const sharedFirst = pendingByte + 2;
export const sharedSize = 510;
/** The length of all three ranges, which are adjacent. */
export const allSize = sharedFirst + sharedSize - pendingByte;

export type LockKind = 'read' | 'write' | 'none';

/** The locks of one open file description. Two of them exclude each other, even in one process. */
export interface ByteLocks {
  /**
   * Locks or unlocks a range without waiting, and replaces the locks that this file has in the range. If the call
   * fails, the locks stay as they were. A length of 0 means all bytes from `start` on.
   *
   * @returns the system's error number, or 0
   */
  set(kind: LockKind, start: number, length: number): number;
  /**
   * Whether the file is locked by another open file description for writing in the range. Some systems also report
   * locks for reading.
   *
   * @returns 0 for no, 1 for yes, or a negative error number
   */
  test(start: number, length: number): number;
}

/**
 * The meaning of an error number. `busy`: another program has the lock; `read-only`: the descriptor cannot lock for
 * writing; `unsupported`: the file system has no locks.
 */
export type LockError = 'busy' | 'read-only' | 'denied' | 'unsupported' | 'failed';

export interface LockSystem {
  /** The name of the system call, for error messages. */
  readonly call: string;
  of(fd: number): ByteLocks;
  /** Makes locks with native SQLite's call, if it differs. Tests check that both kinds exclude each other. */
  nativeOf?(fd: number): ByteLocks;
  meaning(error: number): LockError;
}

/** Returns the lock functions of the system, or the reason why they are unavailable. */
export type LockProvider = () => LockSystem | string;

/** Whether the file can be locked. Some file systems have no locks, so this is checked when a file is opened. */
export function lockable(system: LockSystem, fd: number): boolean {
  const answer = system.of(fd).test(pendingByte, 1);
  return answer >= 0 || system.meaning(-answer) !== 'unsupported';
}
