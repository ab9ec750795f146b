/** Locks on ranges of bytes: what SQLite's locks on a database are made of, and what each system implements. */

export const pendingByte = 0x40000000;
export const reservedByte = pendingByte + 1;
export const sharedFirst = pendingByte + 2;
export const sharedSize = 510;
/** All three ranges: they are adjacent. */
export const allSize = sharedFirst + sharedSize - pendingByte;

export type LockKind = 'read' | 'write' | 'none';

/** The locks of one open of a file. Two opens exclude each other, in one process too. */
export interface ByteLocks {
  /**
   * Locks or unlocks a range without waiting: it replaces the locks that this open has there. If it fails, they stay
   * as they were. A length of 0 is all that follows.
   *
   * @returns the system's error number, or 0
   */
  set(kind: LockKind, start: number, length: number): number;
  /**
   * Whether another open has a lock for writing in the range; or, if the system tells, one for reading.
   *
   * @returns 0 no, 1 yes, below 0 the negative error number
   */
  test(start: number, length: number): number;
}

/** What an error number means: another has the lock, the descriptor cannot have it, locks do not exist there. */
export type LockError = 'busy' | 'read-only' | 'denied' | 'unsupported' | 'failed';

/** The locks of a system. */
export interface LockSystem {
  /** The call that takes them, for messages. */
  readonly call: string;
  of(fd: number): ByteLocks;
  /** Locks as programs take them that use another call, if there are any: both kinds must exclude each other. */
  nativeOf?(fd: number): ByteLocks;
  meaning(error: number): LockError;
}

/** Returns the system's locks, or why they are unavailable. */
export type LockProvider = () => LockSystem | string;

/** Whether the file can be locked at all, checked once when it is opened: some file systems have no locks. */
export function lockable(system: LockSystem, fd: number): boolean {
  const answer = system.of(fd).test(pendingByte, 1);
  return answer >= 0 || system.meaning(-answer) !== 'unsupported';
}
