/** Identifies the rows that changesets change, to find transactions that change the same row. */

import { opInsert, valueEnd } from '../changeset/format.js';
import { ChangesetReader } from '../changeset/reader.js';
import type { CaptureEntry } from '../recording/capture-format.js';

/** Yields a unique string for each row that the entries change. */
export function* rowsOf(entries: readonly CaptureEntry[]): Generator<string, void, void> {
  for (const entry of entries) if (entry.kind === 'changeset') yield* rowsOfChangeset(entry.bytes);
}

function* rowsOfChangeset(changeset: Uint8Array): Generator<string, void, void> {
  const reader = new ChangesetReader(changeset);
  const { bytes } = reader;
  while (reader.next()) {
    const { key, name } = reader.table;
    let row = name.toLowerCase();
    for (let i = 0; i < key.length; i++) {
      if (key[i] === 0) continue;
      const at = reader.op === opInsert ? reader.newAt(i) : reader.oldAt(i);
      row += ` ${Buffer.from(bytes.buffer, bytes.byteOffset + at, valueEnd(bytes, at) - at).toString('latin1')}`;
    }
    yield row;
  }
}
