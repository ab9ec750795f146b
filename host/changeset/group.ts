/** Joins changesets into one. The result has the same bytes as that of the C library. */

import { ChangesetError } from './errors.js';
import type { Head, WrittenChange } from './format.js';
import { GroupTable } from './group-table.js';
import type { Records } from './merge.js';
import { ChangesetReader } from './reader.js';
import { tableOf, Writer, writeChange } from './writer.js';

/** Converts a table's name to a key that ignores the case of ASCII letters, as C does. */
function nameKey(name: Uint8Array): string {
  let text = '';
  for (const byte of name) text += String.fromCharCode(byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte);
  return text;
}

/**
 * Joins changesets, or patchsets, into one. The input is copied. C: `sqlite3changegroup_new`, `_add`, `_add_change`,
 * `_output`.
 */
export class Group {
  readonly #tables = new Map<string, GroupTable>();
  #patchset: boolean | undefined;

  /**
   * Adds the changes of a changeset. C: `sqlite3changegroup_add`.
   *
   * @throws ChangesetError if the changeset is malformed, mixes changesets and patchsets, or has other columns for a
   *   table than earlier changesets. As in the C library, the group keeps the changes before the error.
   */
  add(bytes: Uint8Array): void {
    let head: Head | undefined;
    let table: GroupTable | undefined;
    const reader = new ChangesetReader(new Uint8Array(bytes), {
      asWritten: true,
      onHead: (next) => {
        head = next;
        table = undefined;
      },
    });
    while (reader.next()) {
      table ??= this.#tableFor(head as Head);
      table.add(recordsOf(reader, reader.bytes));
    }
  }

  /**
   * Adds the current change of a reader, or a change made of values, which is checked as
   * `sqlite3changegroup_change_finish` does. C: `sqlite3changegroup_add_change`.
   *
   * @throws ChangesetError if the change is invalid, mixes changesets and patchsets, or has other columns for its table
   *   than earlier changes. The group is then unchanged.
   */
  addChange(change: ChangesetReader | WrittenChange): void {
    if (change instanceof ChangesetReader) {
      // Copy only the records of this change, not the entire changeset.
      const { op, indirect, bytes, start, end } = recordsOf(change, change.bytes);
      const copy = bytes.slice(start, end);
      const { table, nameBytes: name } = change;
      const head = { table, start: 0, end: 0, name };
      this.#tableFor(head).add({ op, indirect, bytes: copy, start: 0, end: copy.length });
      return;
    }
    checkChange(change);
    const writer = new Writer();
    writer.table(tableOf(change));
    writeChange(writer, change);
    this.add(writer.output());
  }

  /** Returns all changes as one changeset, empty if there are no changes. C: `sqlite3changegroup_output`. */
  output(): Uint8Array<ArrayBuffer> {
    const tables = [...this.#tables.values()];
    const writer = new Writer(tables.reduce((size, table) => size + table.size, 0));
    for (const table of tables) table.write(writer);
    return writer.output();
  }

  /** C: `sessionChangesetFindTable`. */
  #tableFor(head: Head): GroupTable {
    const { table } = head;
    if (this.#patchset !== undefined && this.#patchset !== table.patchset) {
      throw new ChangesetError('changesets and patchsets cannot be mixed');
    }
    this.#patchset = table.patchset;
    const key = nameKey(head.name);
    let group = this.#tables.get(key);
    if (!group) {
      group = new GroupTable(head);
      this.#tables.set(key, group);
    } else if (
      group.key.length !== table.key.length ||
      group.key.some((place, i) => place !== table.key[i])
    ) {
      throw new ChangesetError(`the changesets differ in the columns or the key of table ${table.name}`);
    }
    return group;
  }
}

function recordsOf(reader: ChangesetReader, bytes: Uint8Array): Records {
  const { op, start, end } = reader;
  return { op, indirect: bytes[start - 1] as number, bytes, start, end };
}

function checkChange({ table, key, patchset, op, old, new: fresh }: WrittenChange): void {
  const wrong = (what: string, column: number): ChangesetError =>
    new ChangesetError(`${what}: column ${column} of table ${table}`);
  key.forEach((place, i) => {
    const before = op === 'insert' ? fresh[i] : old[i];
    if (place > 0) {
      if (before === undefined) throw wrong('a change without its complete key', i);
      if (before === null) throw wrong('a key that contains NULL', i);
      if (op === 'update' && fresh[i] !== undefined) throw wrong('an UPDATE of the key', i);
    } else if (op !== 'update') {
      const needed = op === 'insert' || !patchset;
      if (needed && before === undefined) throw wrong(`${op.toUpperCase()} without all of its values`, i);
    } else if (!patchset && (before === undefined) !== (fresh[i] === undefined)) {
      throw wrong('an UPDATE with only one of the old and the new value', i);
    }
  });
}

/** Joins changesets, in order, into one. C: `sqlite3changeset_concat`. @throws the errors of {@link Group.add} */
export function concat(...changesets: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const group = new Group();
  for (const changeset of changesets) group.add(changeset);
  return group.output();
}
