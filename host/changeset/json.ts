/**
 * Converts changesets to and from JSON without loss: `fromJson(toJson(bytes))` gives the same bytes. README.md describes
 * the format.
 */

import { ChangesetError } from './errors.js';
import {
  type Operation,
  opDelete,
  operationOf,
  opInsert,
  Raw,
  type Table,
  typeBlob,
  typeInteger,
  typeReal,
  typeText,
  typeUndefined,
  type Value,
  type WrittenChange,
} from './format.js';
import { fromHex, toHex } from './hex.js';
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

/** Consecutive changes of one table. */
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

/** Returns the names of a table's columns; undefined if they are unknown or their number is not `count`. */
export type ColumnNames = (table: string, count: number) => readonly string[] | undefined;

/** Represents a missing value. All missing values share this frozen object. */
const absent: Record<string, never> = Object.freeze({});

function jsonAt(reader: ChangesetReader, place: number): JsonValue {
  switch (reader.typeAt(place)) {
    case typeUndefined:
      return absent;
    case typeInteger: {
      const number = reader.numberAt(place);
      return Number.isSafeInteger(number) ? number : { integer: `${reader.integerAt(place)}` };
    }
    case typeReal: {
      const value = reader.realAt(place);
      if (Number.isNaN(value)) return { real: `NaN:${toHex(reader.bytes.subarray(place + 1, place + 9))}` };
      return Number.isInteger(value) || !Number.isFinite(value)
        ? { real: Object.is(value, -0) ? '-0' : `${value}` }
        : value;
    }
    case typeText:
      return reader.validTextAt(place) ?? { text: toHex(reader.bytesAt(place)) };
    case typeBlob:
      return { blob: toHex(reader.bytesAt(place)) };
    default:
      return null;
  }
}

function oldValues(reader: ChangesetReader): JsonValue[] {
  const values = new Array<JsonValue>(reader.columns);
  for (let i = 0; i < values.length; i++) values[i] = jsonAt(reader, reader.oldAt(i));
  return values;
}

function newValues(reader: ChangesetReader): JsonValue[] {
  const values = new Array<JsonValue>(reader.columns);
  for (let i = 0; i < values.length; i++) values[i] = jsonAt(reader, reader.newAt(i));
  return values;
}

/** Converts a changeset to an object for `JSON.stringify`. @throws ChangesetError if the changeset is malformed */
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
    if (op !== opInsert) change.old = oldValues(reader);
    if (op !== opDelete) change.new = newValues(reader);
    current.json.changes.push(change);
  }
  return { format: 1, kind: patchset ? 'patchset' : 'changeset', tables };
}

/** A position in a document, converted to text only for errors. */
interface Place {
  readonly table: number;
  readonly change: number;
}

function nameOf({ table, change }: Place): string {
  return `tables[${table}].changes[${change}]`;
}

/** @param where returns the position of the value as text */
function readHex(content: unknown, where: () => string): Uint8Array {
  const bytes = typeof content === 'string' ? fromHex(content) : undefined;
  if (!bytes) throw new ChangesetError(`${where()} must be pairs of hex digits`);
  return bytes;
}

function readValue(json: unknown, place: Place, name: string, column: number): Value | undefined | Raw {
  if (json === null || typeof json === 'string') return json;
  const where = (part = ''): string => `${nameOf(place)}.${name}[${column}]${part}`;
  if (typeof json === 'number') return readNumber(json, where);
  const wanted = (): ChangesetError =>
    new ChangesetError(
      `${where()} must be a number, a string, null, {} or one of {"integer"}, {"real"}, {"text"}, {"blob"}`,
    );
  if (typeof json !== 'object' || Array.isArray(json)) throw wanted();
  const [kind, more] = Object.keys(json as object);
  if (kind === undefined) return undefined;
  if (more !== undefined) throw wanted();
  const content = (json as Record<string, unknown>)[kind];
  if (kind === 'blob') return readHex(content, () => where('.blob'));
  if (kind === 'text') return rawText(readHex(content, () => where('.text')));
  if (kind === 'integer' && typeof content === 'string' && /^-?\d+$/.test(content)) {
    const value = BigInt(content);
    if (BigInt.asIntN(64, value) !== value)
      throw new ChangesetError(`${where('.integer')} does not fit 64 bits`);
    return value;
  }
  if (kind === 'real' && typeof content === 'string') {
    if (/^NaN:[0-9a-f]{16}$/.test(content)) return new Raw(typeReal, readHex(content.slice(4), where));
    if (content === 'NaN' || decimal.test(content)) return Number(content);
    throw new ChangesetError(
      `${where('.real')} must be a decimal number, "Infinity", "-Infinity" or "NaN", as in {"real":"-0"}`,
    );
  }
  throw wanted();
}

const decimal = /^-?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|Infinity)$/i;

/** Reads a number: INTEGER if it has no fraction. Refuses numbers that `JSON.parse` cannot represent exactly. */
function readNumber(json: number, where: () => string): Value {
  if (Object.is(json, -0)) {
    throw new ChangesetError(`${where()} is -0, which is not an integer: write {"real":"-0"} or 0`);
  }
  if (!Number.isFinite(json)) {
    throw new ChangesetError(
      `${where()} is beyond the range of REAL: write {"real":"Infinity"} or {"real":"-Infinity"}`,
    );
  }
  if (!Number.isInteger(json)) return json;
  if (Number.isSafeInteger(json)) return BigInt(json);
  throw new ChangesetError(
    `${where()} is an integer beyond 2^53, which JSON numbers cannot hold exactly: write {"integer":"..."}, or {"real":"..."} for a REAL`,
  );
}

function rawText(bytes: Uint8Array): Raw {
  const head: number[] = [bytes.length & 0x7f];
  for (let rest = bytes.length >>> 7; rest > 0; rest >>>= 7) head.unshift((rest & 0x7f) | 0x80);
  return new Raw(typeText, Uint8Array.from([...head, ...bytes]));
}

/**
 * Converts a document in the format of `toJson` to a changeset.
 *
 * @throws ChangesetError that names the wrong position in the document
 */
export function fromJson(document: unknown): Uint8Array<ArrayBuffer> {
  const { format, kind, tables } = (document ?? {}) as Partial<JsonChangeset>;
  if (format !== 1) throw new ChangesetError('format must be 1');
  if (kind !== 'changeset' && kind !== 'patchset')
    throw new ChangesetError('kind must be changeset or patchset');
  if (!Array.isArray(tables)) throw new ChangesetError('tables must be an array');
  return encode(changesOf(tables, kind === 'patchset'));
}

function* changesOf(tables: readonly Partial<JsonTable>[], patchset: boolean): Generator<WrittenChange> {
  for (const [t, json] of tables.entries()) {
    const at = `tables[${t}]`;
    if (typeof json?.name !== 'string') throw new ChangesetError(`${at}.name must be a string`);
    const isByte = (place: unknown): boolean =>
      Number.isInteger(place) && Number(place) >= 0 && Number(place) < 256;
    if (!Array.isArray(json.key) || !json.key.every(isByte)) {
      throw new ChangesetError(`${at}.key must be an array of numbers from 0 to 255, one a column`);
    }
    if (!Array.isArray(json.changes)) throw new ChangesetError(`${at}.changes must be an array`);
    const table: Table = { name: json.name, key: json.key, patchset };
    for (let c = 0; c < json.changes.length; c++) {
      yield changeOf(json.changes[c] ?? {}, table, { table: t, change: c });
    }
  }
}

function changeOf(json: Partial<JsonChange>, table: Table, place: Place): WrittenChange {
  const { op } = json;
  if (op !== 'insert' && op !== 'update' && op !== 'delete') {
    throw new ChangesetError(`${nameOf(place)}.op must be insert, update or delete`);
  }
  const indirect = json.indirect === true;
  const old = readValues(json, 'old', op !== 'insert', table, place);
  const fresh = readValues(json, 'new', op !== 'delete', table, place);
  return { table: table.name, op, indirect, key: table.key, patchset: table.patchset, old, new: fresh };
}

function readValues(
  json: Partial<JsonChange>,
  name: 'old' | 'new',
  wanted: boolean,
  table: Table,
  place: Place,
): WrittenChange['old'] {
  const list: unknown = json[name];
  const columns = table.key.length;
  if (!wanted && list === undefined) return [];
  if (!wanted) throw new ChangesetError(`${nameOf(place)}.${name} is not allowed in an ${json.op}`);
  if (!Array.isArray(list) || list.length !== columns) {
    throw new ChangesetError(`${nameOf(place)}.${name} must be an array of ${columns} values`);
  }
  const values = new Array<Value | Raw | undefined>(columns);
  for (let i = 0; i < columns; i++) values[i] = readValue(list[i], place, name, i);
  return values;
}
