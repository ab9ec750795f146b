/**
 * The memory layout of the interfaces' types: alignment, size, and the offsets of fields and payloads (see "Alignment"
 * and "Element Size" in https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md).
 */

/** Size and alignment in bytes. */
export interface Layout {
  readonly size: number;
  readonly align: number;
}

/** A variant, an option or a result: the case in one byte, and its value at offset `payload`. */
export interface Variant extends Layout {
  readonly payload: number;
}

interface RecordLayout<Name extends string> extends Layout {
  readonly at: Readonly<Record<Name, number>>;
}

const scalar = (size: number): Layout => ({ size, align: size });
const bool = scalar(1);
const s32 = scalar(4);
const s64 = scalar(8);
const f64 = scalar(8);

const aligned = (at: number, align: number): number => Math.ceil(at / align) * align;

function record<Name extends string>(fields: Readonly<Record<Name, Layout>>): RecordLayout<Name> {
  const at = {} as Record<Name, number>;
  let end = 0;
  let align = 1;
  for (const name of Object.keys(fields) as Name[]) {
    const field = fields[name];
    at[name] = aligned(end, field.align);
    end = at[name] + field.size;
    align = Math.max(align, field.align);
  }
  return { size: aligned(end, align), align, at };
}

/** @param cases the type of each case's value, if it has one */
function variant(...cases: readonly (Layout | undefined)[]): Variant {
  const align = Math.max(1, ...cases.map((held) => held?.align ?? 1));
  const size = Math.max(0, ...cases.map((held) => held?.size ?? 0));
  return { size: aligned(align + size, align), align, payload: align };
}

/** A string or a list: the address of its contents, then their number. */
export const list = record({ start: s32, length: s32 });

/** `variant sql-value`, and the numbers of its cases. */
export const sqlValue = variant(undefined, s64, f64, list, list);
export const caseNull = 0;
export const caseInteger = 1;
export const caseReal = 2;
export const caseText = 3;
export const caseBlob = 4;

/** `record sqlite-error` */
export const sqliteError = record({ code: s32, extendedCode: s32, message: list });

/** `record query-result` of spi */
export const queryResult = record({ columns: list, rows: list, changes: s64, lastInsertRowid: s64 });

/** `record batch` of virtual-table */
export const batch = record({ rowids: list, values: list, done: bool });

/** `variant argument` of virtual-table: a value or a list of values. */
export const argument = variant(sqlValue, list);

/** `option<sql-value>` */
export const optionalValue = variant(undefined, sqlValue);

const resultOf = (ok?: Layout): Variant => variant(ok, sqliteError);

/** `result<_, sqlite-error>` */
export const nothingOrError = resultOf();
/** `result<s64, sqlite-error>` and `result<u64, sqlite-error>` */
export const integerOrError = resultOf(s64);
/** `result<list<u8>, sqlite-error>` */
export const listOrError = resultOf(list);
/** `result<sql-value, sqlite-error>` */
export const valueOrError = resultOf(sqlValue);
/** `result<batch, sqlite-error>` */
export const batchOrError = resultOf(batch);
/** `result<query-result, sqlite-error>` */
export const queryOrError = resultOf(queryResult);
