/** The imports for virtual tables, in the order of c/host.h. Exceptions become a result code and a message. */

import { SQLITE_CONSTRAINT, SQLITE_ERROR, SQLITE_OK } from './constants.js';
import { SqliteError } from './errors.js';
import type { Host, TableModule } from './host-services.js';
import type { Memory } from './memory.js';

export function tableImports(host: Host, memory: () => Memory): WebAssembly.ModuleImports {
  const failed = (error: unknown, out: number): number => {
    const message = error instanceof Error ? error.message : String(error);
    memory().view.setUint32(out >>> 0, memory().allocateText(message), true);
    return error instanceof SqliteError && error.errcode !== SQLITE_OK ? error.errcode : SQLITE_ERROR;
  };
  const module = (id: number): TableModule => {
    const found = host.callbacks.module(id);
    if (!found) throw new Error('the module of this table was removed');
    return found;
  };
  /** Runs `action` and returns a result code. */
  const attempt = (out: number, action: () => void): number => {
    try {
      action();
      return SQLITE_OK;
    } catch (error) {
      return failed(error, out);
    }
  };
  /** Returns the number from `action`, which is above 0, or a negative result code. */
  const number = (out: number, action: () => number): number => {
    try {
      return action();
    } catch (error) {
      return -failed(error, out);
    }
  };

  return {
    host_table_connect: (
      id: number,
      db: number,
      create: number,
      count: number,
      args: number,
      columns: number,
      out: number,
    ): number =>
      number(out, () => {
        const texts: string[] = [];
        for (let i = 0; i < count; i++) {
          texts.push(memory().cString(memory().pointerAt((args >>> 0) + 4 * i)) ?? '');
        }
        const made = module(id).connect(db >>> 0, create !== 0, texts);
        memory().view.setInt32(columns >>> 0, made.columns, true);
        return made.table;
      }),
    host_table_disconnect: (id: number, table: number): void => host.callbacks.module(id)?.disconnect(table),
    host_table_destroy: (id: number, table: number, out: number): number =>
      attempt(out, () => module(id).destroy(table)),
    host_table_best_index(id: number, table: number, info: number, out: number): number {
      try {
        return module(id).bestIndex(table, info >>> 0) ? SQLITE_OK : SQLITE_CONSTRAINT;
      } catch (error) {
        return failed(error, out);
      }
    },
    host_cursor_open: (id: number, table: number, out: number): number =>
      number(out, () => module(id).open(table)),
    host_cursor_close: (id: number, cursor: number): void => host.callbacks.module(id)?.close(cursor),
    host_cursor_filter: (
      id: number,
      cursor: number,
      batch: number,
      plan: number,
      text: number,
      count: number,
      values: number,
      ask: number,
      out: number,
    ): number =>
      attempt(out, () => {
        const planText = memory().cString(text) ?? '';
        module(id).filter(cursor, batch >>> 0, plan, planText, count, values >>> 0, ask);
      }),
    host_cursor_fetch: (id: number, cursor: number, batch: number, ask: number, out: number): number =>
      attempt(out, () => module(id).fetch(cursor, batch >>> 0, ask)),
    host_table_update: (
      id: number,
      table: number,
      count: number,
      values: number,
      rowid: number,
      out: number,
    ): number =>
      attempt(out, () => {
        const made = module(id).update(table, count, values >>> 0);
        if (made !== undefined) memory().view.setBigInt64(rowid >>> 0, made, true);
      }),
    host_table_transaction: (id: number, table: number, what: number, n: number, out: number): number =>
      attempt(out, () => module(id).transaction(table, what, n)),
    host_table_rename: (id: number, table: number, name: number, out: number): number =>
      attempt(out, () => module(id).rename(table, memory().cString(name) ?? '')),
    host_table_integrity: (id: number, table: number, quick: number, out: number): number =>
      attempt(out, () => {
        const damage = module(id).integrity(table, quick !== 0);
        if (damage !== undefined) memory().view.setUint32(out >>> 0, memory().allocateText(damage), true);
      }),
  };
}
