/**
 * Changesets as JSON documents, without loss: what `toJson` wrote, `fromJson` makes the same bytes of.
 *
 *     { "format": 1, "kind": "changeset",
 *       "tables": [ { "name": "users", "key": [1, 0, 0], "columns": ["id", "name", "age"],
 *         "changes": [
 *           { "op": "insert", "new": [1, "ann", 40] },
 *           { "op": "update", "indirect": true, "old": [1, "ann", {}], "new": [{}, "bob", {}] },
 *           { "op": "delete", "old": [2, "cy", null] } ] } ] }
 *
 * `key` has per column 0, or its place in the PRIMARY KEY from 1. `columns`, names, is there where they were
 * given, and means nothing to `fromJson`. A value is: a JSON number without a fraction, for an INTEGER up to 2^53;
 * `{"integer": "9007199254740993"}` beyond; a number with a fraction, for a REAL; `{"real": "1"}`, also "NaN" and
 * "Infinity", for a REAL that would read as something else; a string for TEXT; `{"text": "hex"}` for TEXT that is not
 * UTF-8; `{"blob": "hex"}`; null for NULL; `{}` where the change has no value. Indirect is left out where false.
 */

import { ChangesetError } from './errors.js';
import {
  type Operation,
  opDelete,
  operationOf,
  opInsert,
  Raw,
  type Table,
  type Value,
  type WrittenChange,
} from './format.js';
import { ChangesetReader } from './reader.js';
import { encode } from './writer.js';

/** A value in JSON. */
export type JsonValue =
  | null
  | number
  | string
  | { integer: string }
  | { real: string }
  | { text: string }
  | { blob: string }
  | Record<string, never>;

/** A change in JSON. */
export interface JsonChange {
  op: Operation;
  indirect?: true;
  old?: JsonValue[];
  new?: JsonValue[];
}

/** The changes of one table, as they stand together. */
export interface JsonTable {
  name: string;
  key: number[];
  columns?: string[];
  changes: JsonChange[];
}

/** A changeset in JSON. */
export interface JsonChangeset {
  format: 1;
  kind: 'changeset' | 'patchset';
  tables: JsonTable[];
}

/** The names of a table's columns, where they are known and as many as `count`. */
export type ColumnNames = (table: string, count: number) => readonly string[] | undefined;

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

function jsonAt(reader: ChangesetReader, place: number): JsonValue {
  if (place < 0) return {};
  switch (reader.typeAt(place)) {
    case 1: {
      const value = reader.integerAt(place);
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : { integer: `${value}` };
    }
    case 2: {
      const value = reader.realAt(place);
      if (Number.isNaN(value)) return { real: `NaN:${toHex(reader.bytes.subarray(place + 1, place + 9))}` };
      return Number.isInteger(value) || !Number.isFinite(value)
        ? { real: Object.is(value, -0) ? '-0' : `${value}` }
        : value;
    }
    case 3:
      return reader.validTextAt(place) ?? { text: toHex(reader.bytesAt(place)) };
    case 4:
      return { blob: toHex(reader.bytesAt(place)) };
    default:
      return null;
  }
}

/** The changeset as a JSON document, an object for `JSON.stringify`. @throws ChangesetError where it is malformed */
export function toJson(bytes: Uint8Array, columnNames?: ColumnNames): JsonChangeset {
  const reader = new ChangesetReader(bytes);
  const tables: JsonTable[] = [];
  let current: { table: Table; json: JsonTable } | undefined;
  let patchset = false;
  while (reader.next()) {
    const { table, columns } = reader;
    if (current?.table !== table) {
      const names = columnNames?.(table.name, columns);
      const json: JsonTable = {
        name: table.name,
        key: [...table.key],
        ...(names?.length === columns && { columns: [...names] }),
        changes: [],
      };
      tables.push(json);
      if (tables.length > 1 && patchset !== table.patchset) {
        throw new ChangesetError('tables of a changeset and of a patchset are mixed', reader.start - 2);
      }
      patchset = table.patchset;
      current = { table, json };
    }
    const { op } = reader;
    const change: JsonChange = { op: operationOf(op) };
    if (reader.indirect) change.indirect = true;
    const values = (at: (column: number) => number): JsonValue[] =>
      Array.from({ length: columns }, (_, i) => jsonAt(reader, at(i)));
    if (op !== opInsert) change.old = values((i) => reader.oldAt(i));
    if (op !== opDelete) change.new = values((i) => reader.newAt(i));
    current.json.changes.push(change);
  }
  return { format: 1, kind: patchset ? 'patchset' : 'changeset', tables };
}

function fromHex(text: unknown, where: string): Uint8Array {
  if (typeof text !== 'string' || !/^([0-9a-fA-F]{2})*$/.test(text)) {
    throw new ChangesetError(`${where} must be pairs of hex digits`);
  }
  return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    Number.parseInt(text.slice(2 * i, 2 * i + 2), 16),
  );
}

function readValue(json: unknown, where: string): Value | undefined | Raw {
  if (json === null || typeof json === 'string') return json;
  if (typeof json === 'number') return Number.isInteger(json) ? BigInt(json) : json;
  const wanted = `${where} must be a number, a string, null, {} or one of {"integer"}, {"real"}, {"text"}, {"blob"}`;
  if (typeof json !== 'object' || Array.isArray(json)) throw new ChangesetError(wanted);
  const entries = Object.entries(json as object);
  if (entries.length === 0) return undefined;
  const [kind, content] = entries[0] as [string, unknown];
  if (entries.length > 1) throw new ChangesetError(wanted);
  if (kind === 'blob') return fromHex(content, `${where}.blob`);
  if (kind === 'text') {
    const bytes = fromHex(content, `${where}.text`);
    const head: number[] = [bytes.length & 0x7f];
    for (let rest = bytes.length >>> 7; rest > 0; rest >>>= 7) head.unshift((rest & 0x7f) | 0x80);
    return new Raw(3, Uint8Array.from([...head, ...bytes]));
  }
  if (kind === 'integer' && typeof content === 'string' && /^-?\d+$/.test(content)) {
    const value = BigInt(content);
    if (BigInt.asIntN(64, value) !== value) throw new ChangesetError(`${where}.integer does not fit 64 bits`);
    return value;
  }
  if (kind === 'real' && typeof content === 'string') {
    if (/^NaN:[0-9a-f]{16}$/.test(content)) return new Raw(2, fromHex(content.slice(4), where));
    const value = Number(content);
    if (content !== '' && (content === 'NaN' || !Number.isNaN(value))) return value;
  }
  throw new ChangesetError(wanted);
}

/**
 * The bytes of a document that `toJson` wrote, or that was written like one.
 *
 * @throws ChangesetError that names the place in the document where it is none
 */
export function fromJson(document: unknown): Uint8Array {
  const { format, kind, tables } = (document ?? {}) as Partial<JsonChangeset>;
  if (format !== 1) throw new ChangesetError('format must be 1');
  if (kind !== 'changeset' && kind !== 'patchset')
    throw new ChangesetError('kind must be changeset or patchset');
  if (!Array.isArray(tables)) throw new ChangesetError('tables must be an array');
  const changes: WrittenChange[] = [];
  tables.forEach((json: Partial<JsonTable>, t) => {
    const at = `tables[${t}]`;
    if (typeof json?.name !== 'string') throw new ChangesetError(`${at}.name must be a string`);
    const isByte = (place: unknown): boolean =>
      Number.isInteger(place) && Number(place) >= 0 && Number(place) < 256;
    if (!Array.isArray(json.key) || !json.key.every(isByte)) {
      throw new ChangesetError(`${at}.key must be an array of numbers from 0 to 255, one a column`);
    }
    if (!Array.isArray(json.changes)) throw new ChangesetError(`${at}.changes must be an array`);
    const table: Table = { name: json.name, key: json.key, patchset: kind === 'patchset' };
    json.changes.forEach((change: Partial<JsonChange>, c) => {
      changes.push(changeOf(change, table, `${at}.changes[${c}]`));
    });
  });
  return encode(changes);
}

function changeOf(json: Partial<JsonChange>, table: Table, where: string): WrittenChange {
  const { op } = json ?? {};
  if (op !== 'insert' && op !== 'update' && op !== 'delete') {
    throw new ChangesetError(`${where}.op must be insert, update or delete`);
  }
  const values = (name: 'old' | 'new', wanted: boolean): (Value | Raw | undefined)[] => {
    const list: unknown = json[name];
    if (!wanted && list === undefined) return [];
    if (!wanted || !Array.isArray(list) || list.length !== table.key.length) {
      throw new ChangesetError(
        wanted
          ? `${where}.${name} must be an array of ${table.key.length} values`
          : `${where}.${name} has no place in an ${op}`,
      );
    }
    return list.map((value, i) => readValue(value, `${where}.${name}[${i}]`));
  };
  const old = values('old', op !== 'insert');
  return { table, op, indirect: json.indirect === true, old, new: values('new', op !== 'delete') };
}
