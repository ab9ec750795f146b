/** The names of SQLite's result codes, read from its header. Tcl's commands return them for errors. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type CodeName = (code: number) => string;

/** @param source the folder of SQLite's source */
export function resultCodes(source: string): CodeName {
  const header = readFileSync(join(source, 'src/sqlite.h.in'), 'utf8');
  const start = header.indexOf('CAPI3REF: Result Codes');
  const part = header.slice(start, header.indexOf('CAPI3REF: Flags For File Open Operations', start));
  const codes = new Map<string, number>();
  for (const [, name = '', plain, base = '', high] of part.matchAll(
    /^#define (SQLITE_\w+)\s+(?:(\d+)|\((SQLITE_\w+)\s*\|\s*\((\d+)<<8\)\))/gm,
  )) {
    const code = plain === undefined ? (codes.get(base) ?? 0) | (Number(high) << 8) : Number(plain);
    codes.set(name, code);
  }
  const names = new Map([...codes].map(([name, code]) => [code, name]));
  return (code) => names.get(code) ?? names.get(code & 0xff) ?? `SQLITE_UNKNOWN(${code})`;
}
