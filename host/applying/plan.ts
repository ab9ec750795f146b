/** Compares a changeset with the database's tables first, because SQLite reports differences only in its error log. */

import { refusal } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { query } from '../kernel/query.js';
import { hiddenRowid, tableShape, type Warning } from '../kernel/schema.js';
import { hasCollatedKey, spelledOtherwise } from '../recording/collated-keys.js';
import type { OwnReportOptions } from './apply-options.js';
import { isModule, refusedTable, virtualTable } from './apply-targets.js';
import { type Outline, outlineAt } from './changes.js';
import { changesOf } from './changeset-streams.js';
import type { ChangesetInput } from './input.js';
import type { Application } from './report.js';

/**
 * Reads a changeset before it is applied. Counts its changes, and warns of changes that SQLite would silently skip.
 *
 * @throws SqliteError if the changeset is malformed, or a warning is refused
 */
export function plan(
  { connection, options, includes, tally, warnings }: Application,
  input: ChangesetInput,
): void {
  const { invert = false, refuse } = options;
  const skips = survey(connection, warnings, options);
  for (const change of changesOf(connection.engine, input, invert, outlineAt)) {
    if (skips(change)) tally.of(change.table).skipped += 1;
    else if (!includes(change.table)) tally.of(change.table).filtered += 1;
    else tally.planned(change, 1);
  }
  const refused = refuse ? warnings.find(({ kind }) => refuse === true || refuse.includes(kind)) : undefined;
  if (refused) throw refusal(refused.message);
}

/**
 * Makes a function that checks the table of each change before the changeset is applied. It adds warnings for changes
 * that SQLite would silently skip because a table is missing, has fewer columns or has another key.
 *
 * @returns a function that tells whether SQLite skips a change
 */
function survey(
  connection: Connection,
  warnings: Warning[],
  { triggers: triggersFire = true, virtualRows }: OwnReportOptions,
): (change: Outline) => boolean {
  const skipped = new Map<string, boolean>();
  const collated = new Set<string>();
  const warn = (kind: Warning['kind'], table: string, text: string): void => {
    if (warnings.some((known) => known.kind === kind && known.table === table)) return;
    warnings.push({ kind, table, message: `${table}: ${text}` });
  };
  const skips = ({ table, key }: Outline): boolean => {
    const shape = tableShape(connection, 'main', table);
    const isVirtual = shape?.kind === 'virtual' && !virtualRows?.(table);
    if (isVirtual || (!shape && isModule(connection, table))) throw virtualTable(table);
    if (shape?.kind === 'shadow' && virtualRows) throw refusedTable(table, 'it belongs to a virtual table');
    if (!shape || shape.kind === 'view') {
      warn('missing-table', table, 'the table does not exist, so its changes are skipped');
      return true;
    }
    const isStatistics = table.toLowerCase() === 'sqlite_stat1'; // SQLite knows its key, which is not declared
    const keyed = isStatistics || shape.key.some((place) => place > 0);
    const own = keyed ? shape.key : [1, ...shape.key];
    const has = own.length;
    // The keys also differ if a column after the change's last column is in the key.
    let skip = false;
    const differs = own.some((place, i) => place !== (key[i] ?? 0));
    if (has < key.length) {
      warn(
        'fewer-columns',
        table,
        `it has ${has} columns, but the changes have ${key.length}: they are skipped`,
      );
      skip = true;
    } else if (!isStatistics && differs) {
      warn('different-key', table, 'its PRIMARY KEY differs from that of the changes, which are skipped');
      skip = true;
    } else if (has > key.length) {
      const rest = `it has ${has} columns, but the changes have ${key.length}: the rest get defaults`;
      warn('more-columns', table, rest);
    }
    if (!keyed && shape.hidesRowid && !skip) throw refusedTable(table, hiddenRowid);
    if (keyed && hasCollatedKey(connection, 'main', table)) collated.add(table);
    if (!triggersFire) return skip;
    const triggers = query(
      connection,
      "SELECT count(*) FROM main.sqlite_schema WHERE type='trigger' AND tbl_name=?1 COLLATE NOCASE",
      table,
    );
    if (triggers[0]?.[0]) {
      warn(
        'triggers',
        table,
        'it has triggers, which fire on the changes: their effect may be applied twice',
      );
    }
    return skip;
  };
  return (change) => {
    let skip = skipped.get(change.table);
    if (skip === undefined) {
      skip = skips(change);
      skipped.set(change.table, skip);
    }
    if (collated.has(change.table) && !skip && change.changesKey) {
      collated.delete(change.table);
      warnings.push(spelledOtherwise(change.table));
    }
    return skip;
  };
}
