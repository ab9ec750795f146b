import type { Connection } from './connection.js';

/** Whether a setting is on. C: `sqlite3_db_config`. @param option one of the SQLITE_DBCONFIG_ constants */
export function isOn({ engine, db }: Connection, option: number): boolean {
  const { c, memory } = engine.core;
  using arena = memory.arena();
  const state = arena.allocate(4);
  engine.check(db, c.bridge_db_config(db, option, -1, state));
  return memory.view.getInt32(state, true) !== 0;
}

/** Turns a setting on or off. Unlike the corresponding PRAGMA, this also works within a transaction. */
export function set({ engine, db }: Connection, option: number, on: boolean): void {
  using arena = engine.core.memory.arena();
  engine.check(db, engine.core.c.bridge_db_config(db, option, Number(on), arena.allocate(4)));
}

/**
 * Runs `action` with the given settings, then restores the previous ones. A setting that already has the value is not
 * set, because SQLite compiles all statements again after each change.
 */
export function withSettings<T>(
  connection: Connection,
  settings: readonly (readonly [option: number, on: boolean])[],
  action: () => T,
): T {
  const changed: (readonly [number, boolean])[] = [];
  try {
    for (const [option, on] of settings) {
      if (isOn(connection, option) === on) continue;
      set(connection, option, on);
      changed.push([option, !on]);
    }
    return action();
  } finally {
    for (const [option, on] of changed.toReversed()) set(connection, option, on);
  }
}
