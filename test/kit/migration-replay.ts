/** Migrations as tools write them: run on a database with rows, captured, and replayed on a copy. */

import { DatabaseSync } from 'sqlite-wasm-run';
import { contentOf } from './outcome.js';

/** A migration: what was there before it, and what does it. */
export interface Migration {
  readonly setup: string;
  run(db: DatabaseSync): void | Promise<void>;
}

/**
 * Captures a migration and replays it on copies, with foreign keys on and off at either side.
 *
 * @returns a line for each difference; none if all are equal
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

/** A migration of SQL text; a statement that fails because foreign keys are on stops it, as it would stop the tool. */
export const sqlMigration = (setup: string, sql: string): Migration => ({ setup, run: (db) => db.exec(sql) });
