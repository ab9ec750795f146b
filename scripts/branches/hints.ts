/**
 * Adds a section of branch hints to a module: which branches are nearly always or nearly never taken. V8 moves unlikely
 * code out of the way, and keeps the values of likely code in registers. Source: WebAssembly, Branch Hinting.
 */

import { encodeUnsigned, sectionsOf } from '../../host/loader/module-bytes.js';
import { codeOf, sections, type WasmFunction } from './instructions.js';

const sectionName = 'metadata.code.branch_hint';

/** What is known about a branch. */
export const always = '+';
export const never = '-';
export const unknown = '.';

/**
 * The hints of a file: a character for each branch of a function, by the function's shape. A function without a line, or
 * whose instructions changed, has no hints.
 */
export function parseHints(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
}

/** The text of a file of hints, sorted, because functions move when the module is linked again. */
export function formatHints(hints: ReadonlyMap<string, string>): string {
  const lines = [...hints].map(([shape, branches]) => `${shape} ${branches}`).sort();
  return [
    '# How the branches of sqlite3.wasm go, counted by npm run build:branches. A line is a function: a hash of its',
    `# instructions, and for each conditional branch ${always} nearly always taken, ${never} nearly never, ${unknown} neither.`,
    ...lines,
    '',
  ].join('\n');
}

/** The module with hints, and how many of them found their function. */
export function withHints(
  module: Uint8Array,
  hints: ReadonlyMap<string, string>,
): { module: Uint8Array; applied: number } {
  const { at, functions } = codeOf(module);
  const imported = importedFunctions(module);
  const used = new Set<string>();
  const hinted = functions.flatMap((of, i) => {
    const entries = entriesOf(of, hints.get(of.shape) ?? '');
    if (entries.length === 0) return [];
    used.add(of.shape);
    return [[...encodeUnsigned(imported + i), ...encodeUnsigned(entries.length), ...entries.flat()]];
  });
  const name = new TextEncoder().encode(sectionName);
  const content = Buffer.concat([
    Buffer.from([...encodeUnsigned(name.length), ...name, ...encodeUnsigned(hinted.length)]),
    ...hinted.map((bytes) => Buffer.from(bytes)),
  ]);
  const header = Buffer.from([sections.custom, ...encodeUnsigned(content.length)]);
  return {
    module: Buffer.concat([module.subarray(0, at), header, content, module.subarray(at)]),
    applied: used.size,
  };
}

function entriesOf({ start, branches }: WasmFunction, known: string): number[][] {
  if (known.length !== branches.length) return [];
  return branches.flatMap((at, i) => {
    const hint = known[i];
    return hint === unknown ? [] : [[...encodeUnsigned(at - start), 1, hint === always ? 1 : 0]];
  });
}

/** The module without its section of hints. */
export function withoutHints(module: Uint8Array): Uint8Array {
  for (const { at, id, reader, end } of sectionsOf(module)) {
    if (id !== sections.custom) continue;
    const length = reader.unsigned();
    const name = module.subarray(reader.at, reader.at + length);
    if (new TextDecoder().decode(name) === sectionName) {
      return Buffer.concat([module.subarray(0, at), module.subarray(end)]);
    }
  }
  return module;
}

/** The number of functions that a module imports. */
export function importedFunctions(module: Uint8Array): number {
  return WebAssembly.Module.imports(new WebAssembly.Module(module as Uint8Array<ArrayBuffer>)).filter(
    ({ kind }) => kind === 'function',
  ).length;
}
