/** A minimal connection on the core, for the tests of files. */

import '../../host/node/platform.js';
import { Core } from '../../host/core/core.js';
import { errorText } from '../../host/core/errors.js';
import type { Host } from '../../host/core/host-services.js';
import type { LockProvider } from '../../host/node/byte-locks.js';
import { nodeFileSystem } from '../../host/node/files.js';
import { type MappingProvider, systemMappings } from '../../host/node/mapping.js';
import { systemLocks } from '../../host/node/system-locks.js';

const READWRITE_CREATE = 6;

const unused = (): never => {
  throw new Error('not part of these tests');
};

export function hostWith(
  locks: LockProvider = systemLocks,
  mappings: MappingProvider = systemMappings,
): Host {
  return {
    fileSystems: [nodeFileSystem({ locking: 'auto' }, locks, mappings), nodeFileSystem({ locking: 'none' })],
    callbacks: {
      call: unused,
      closing: unused,
      step: unused,
      groupValue: unused,
      module: () => undefined,
      destroy: unused,
      hooks: () => undefined,
      log: () => undefined,
      compare: unused,
      captureBefore: unused,
      captureAfter: unused,
      filterTable: unused,
      filterChange: unused,
      conflict: unused,
      streamInput: unused,
      streamOutput: unused,
    },
    extensions: { open: unused },
    terminal: undefined,
    interrupted: () => false,
  };
}

let shared: Core | undefined;

export class Connection implements Disposable {
  readonly #core: Core;
  readonly #db: number;
  #closed = false;

  constructor(
    path: string,
    options: {
      flags?: number;
      vfs?: 'node' | 'node-none';
      timeout?: number;
      locks?: LockProvider;
      mappings?: MappingProvider;
    } = {},
  ) {
    if (options.locks || options.mappings) this.#core = new Core(hostWith(options.locks, options.mappings));
    else this.#core = shared ??= new Core(hostWith());
    const { c, memory } = this.#core;
    using arena = memory.arena();
    const out = arena.allocate(4);
    const vfs = arena.cString(options.vfs ?? 'node');
    const code = c.bridge_open(arena.cString(path), out, options.flags ?? READWRITE_CREATE, vfs);
    this.#db = memory.pointerAt(out);
    if (code) {
      const error = this.#core.error(this.#db, code);
      this.close();
      throw error;
    }
    c.sqlite3_busy_timeout(this.#db, options.timeout ?? 0);
  }

  exec(sql: string): void {
    using arena = this.#core.memory.arena();
    const code = this.#core.c.sqlite3_exec(this.#db, arena.cString(sql), 0, 0, 0);
    if (code) throw this.#core.error(this.#db, code);
  }

  /** The first column of the first row: a number or a text. Undefined if there is no row. */
  value(sql: string): number | string | undefined {
    const { c, memory } = this.#core;
    using arena = memory.arena();
    const out = arena.allocate(4);
    const cells = arena.allocate(16 * 16);
    const prepared = c.sqlite3_prepare_v3(this.#db, arena.cString(sql), -1, 0, out, 0);
    if (prepared) throw this.#core.error(this.#db, prepared);
    const statement = memory.pointerAt(out);
    try {
      const code = c.sqlite3_step(statement);
      if (code === 101) return undefined;
      if (code !== 100) throw this.#core.error(this.#db, code);
      c.bridge_row(statement, cells);
      const type = memory.view.getInt32(cells, true);
      if (type === 1) return Number(memory.view.getBigInt64(cells + 8, true));
      if (type === 3) return memory.text(memory.pointerAt(cells + 8), memory.view.getInt32(cells + 4, true));
      throw new Error(`values of type ${type} are not read here`);
    } finally {
      c.sqlite3_finalize(statement);
    }
  }

  /** Grows the core's memory permanently. */
  grow(bytes: number): void {
    this.#core.c.memory.grow(bytes / 65_536);
    this.#core.memory.renew();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const code = this.#core.c.sqlite3_close_v2(this.#db);
    if (code) throw new Error(`close: ${errorText(code)}`);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
