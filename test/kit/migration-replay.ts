/** Runs and captures migrations of tools on a database with rows, and replays them on a copy. */

import { DatabaseSync } from 'sqlite-wasm-run';
import { contentOf } from './outcome.js';

/** A migration: the initial database, and the change. */
export interface Migration {
  readonly setup: string;
  run(db: DatabaseSync): void | Promise<void>;
}

/**
 * Captures a migration and replays it on copies, with foreign keys on and off on both sides.
 *
 * @returns the differences, one per line
 */
export async function differences({ setup, run }: Migration): Promise<string[]> {
  const found: string[] = [];
  for (const atSource of ['ON', 'OFF']) {
    for (const atTarget of ['ON', 'OFF']) {
      for (const once of [true, false]) {
        using source = new DatabaseSync(':memory:');
        using target = new DatabaseSync(':memory:');
        for (const db of [source, target]) db.exec(setup);
        source.exec(`PRAGMA foreign_keys=${atSource}`);
        target.exec(`PRAGMA foreign_keys=${atTarget}`);
        using capture = source.capture(once ? {} : { rowid: true });
        const way = `foreign keys ${atSource} where it was captured and ${atTarget} where it was applied`;
        try {
          await run(source);
          const { applied, foreignKeyViolations } = target.applyCapture(capture.take());
          if (!applied) found.push(`${way}: not applied, ${foreignKeyViolations} rows refer to none`);
          else if (contentOf(source) !== contentOf(target)) {
            found.push(`${way}:\n${contentOf(source)}\nbut\n${contentOf(target)}`);
          }
        } catch (error) {
          found.push(`${way}: ${(error as Error).message}`);
        }
      }
    }
  }
  return found;
}

/** Makes a migration from SQL. A statement that fails stops it, as in the tool. */
export const sqlMigration = (setup: string, sql: string): Migration => ({ setup, run: (db) => db.exec(sql) });
