/** fcntl with the constants and structures of macOS. It takes the locks on this system. */

import { constants } from 'node:os';
import type { LockKind, LockSystem } from '../../host/node/byte-locks.js';
import type { Koffi } from '../../host/node/system.js';

/** From sys/fcntl.h of XNU. */
const F_SETLK = 8;
const F_OFD_SETLK = 90;
const F_OFD_GETLK = 92;
const kinds: Record<number, LockKind> = { 1: 'read', 2: 'none', 3: 'write' };
const F_UNLCK = 2;
const F_WRLCK = 3;

export class FakeMac implements Koffi {
  /** The bytes of the last `struct flock`, before the call. */
  flock = Buffer.alloc(0);
  #errno = 0;
  readonly #system: LockSystem;

  constructor(system: LockSystem) {
    this.#system = system;
  }

  load(library: string | null): { func(prototype: string): (...values: unknown[]) => unknown } {
    if (library !== null) throw new Error(`no library ${library}`);
    return {
      func: (prototype) => {
        if (prototype !== 'int fcntl(int, int, ...)') throw new Error(`no ${prototype}`);
        return (...values) => this.#fcntl(...(values as [number, number, string, Buffer]));
      },
    };
  }

  errno(): number {
    return this.#errno;
  }

  #fcntl(fd: number, command: number, type: string, flock: Buffer): number {
    this.flock = Buffer.from(flock);
    if (type !== 'void *' || flock.length !== 24) throw new Error('not a struct flock');
    // off_t l_start, l_len; pid_t l_pid; short l_type, l_whence
    const [start, length] = [Number(flock.readBigInt64LE(0)), Number(flock.readBigInt64LE(8))];
    const kind = kinds[flock.readInt16LE(20)];
    if (flock.readInt32LE(16) !== 0 || !kind || flock.readInt16LE(22) !== 0)
      return this.#fail(constants.errno.EINVAL);
    if (command === F_OFD_GETLK) {
      const answer = this.#system.of(fd).test(start, length);
      if (answer < 0) return this.#fail(-answer);
      flock.writeInt16LE(answer === 0 ? F_UNLCK : F_WRLCK, 20);
      return 0;
    }
    const native = command === F_SETLK ? this.#system.nativeOf?.(fd) : undefined;
    if (!native && command !== F_OFD_SETLK) return this.#fail(constants.errno.EINVAL);
    const error = (native ?? this.#system.of(fd)).set(kind, start, length);
    return error ? this.#fail(error) : 0;
  }

  #fail(errno: number): -1 {
    this.#errno = errno;
    return -1;
  }
}
