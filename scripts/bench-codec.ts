/**
 * Compares the codec with the C library in one run: `npm run bench:codec`. Needs a C compiler. C is compiled with -O2
 * and the options of the core. The two take turns, and the ratio of the medians is printed; below 1, the codec is
 * faster.
 *
 *     -- --shape text      only shapes whose name contains this text
 *     -- --rounds 30       the number of runs of each
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nativeProgram } from '../test/kit/oracle.js';
import { captured, mixed, shapes } from './bench-shapes.js';
import { dist } from './sources.js';

type Codec = typeof import('sqlite-wasm-run/changeset');
type Value = import('sqlite-wasm-run/changeset').Value;
const codec = (await import(join(dist, 'changeset/index.js'))) as Codec;
const { Changeset } = (await import(join(dist, 'index.js'))) as {
  Changeset: typeof import('sqlite-wasm-run').Changeset;
};

const option = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? '');
};
/** SQLite's operation codes. */
const insert = 18;
const remove = 9;

const rounds = Number(option('rounds', '15'));
const wanted = option('shape', '');

const measure = nativeProgram('measure', '-O2');
if (!measure) process.exit(1);
const work = mkdtempSync(join(tmpdir(), 'bench-'));

interface Native {
  ms: number[];
  changes: number;
  sum: number;
}
const native = (what: string, count: number, ...files: string[]): Native =>
  JSON.parse(execFileSync(measure, [what, String(count), ...files], { encoding: 'utf8' })) as Native;

const median = (samples: number[]): number =>
  samples.sort((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN;

/** Keeps the last result, so that V8 cannot skip making it. */
let made: unknown;

/** Runs C and the codec in turns. Returns the median of C in ms, and the ratio of each codec function to it. */
async function race(
  c: readonly [what: string, ...files: string[]],
  ways: readonly (() => unknown)[],
): Promise<[ms: number, ratios: string[]]> {
  const [what, ...files] = c;
  const base: number[] = [];
  const ours = ways.map((): number[] => []);
  for (let round = 0; round < rounds; round += 3) {
    base.push(...native(what, 3, ...files).ms);
    for (const [w, way] of ways.entries()) {
      for (let i = 0; i < 3; i++) {
        const started = performance.now();
        made = await way();
        ours[w]?.push(performance.now() - started);
      }
    }
  }
  const ms = median(base);
  return [ms, ours.map((samples) => (median(samples) / ms).toFixed(2))];
}

/** Reads values with the reader's function for each type: INTEGERs as numbers, and blobs without a copy. */
function readTyped(bytes: Uint8Array): Value | undefined {
  const reader = new codec.ChangesetReader(bytes);
  const take = (place: number): Value | undefined => {
    switch (reader.typeAt(place)) {
      case 0:
        return undefined;
      case 1:
        return reader.numberAt(place);
      case 2:
        return reader.realAt(place);
      case 3:
        return reader.textAt(place);
      case 4:
        return reader.bytesAt(place);
      default:
        return null;
    }
  };
  let last: Value | undefined;
  while (reader.next()) {
    const { op, columns } = reader;
    for (let i = 0; i < columns; i++) {
      if (op !== insert) last = take(reader.oldAt(i));
      if (op !== remove) last = take(reader.newAt(i));
    }
  }
  return last;
}

/** Reads values as the API returns them: INTEGERs as bigint, and blobs as copies. */
function readValues(bytes: Uint8Array): Value | undefined {
  const reader = new codec.ChangesetReader(bytes);
  let last: Value | undefined;
  while (reader.next()) {
    const { op, columns } = reader;
    for (let i = 0; i < columns; i++) {
      if (op !== insert) last = reader.oldValue(i);
      if (op !== remove) last = reader.newValue(i);
    }
  }
  return last;
}

/** Reads changes as objects with all their values. */
function readChanges(bytes: Uint8Array): Value | undefined {
  let last: Value | undefined;
  for (const { old, new: fresh } of codec.changes(bytes)) {
    for (let i = 0; i < old.length; i++) last = old[i];
    for (let i = 0; i < fresh.length; i++) last = fresh[i];
  }
  return last;
}

/** Computes the sum of test/programs/measure.c from the codec's values. */
function check(bytes: Uint8Array, c: Native): void {
  let sum = 0;
  let changes = 0;
  for (const { old, new: fresh } of codec.changes(bytes)) {
    changes += 1;
    for (const value of [...old, ...fresh]) {
      if (typeof value === 'bigint' || typeof value === 'number') sum += Number(value);
      else if (typeof value === 'string') {
        const text = Buffer.from(value);
        sum += (text[0] ?? 0) + text.length;
      } else if (value instanceof Uint8Array) sum += value.length;
    }
  }
  if (c.changes !== changes || Math.abs(c.sum - sum) > 1e-9 * Math.abs(c.sum)) {
    throw new Error(
      `C and the codec read different values: ${JSON.stringify({ ...c, ours: { changes, sum } })}`,
    );
  }
}

const line = (name: string, ...columns: string[]): void =>
  console.log(name.padEnd(22) + columns.map((column) => column.padStart(10)).join(''));
const file = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(work, name), bytes);
  return join(work, name);
};

console.log(`Node ${process.version}: reading all values, as ratios to the native iterator\n`);
line('', 'changes', 'KB', 'C, ms', 'typed', 'values', 'changes');
for (const shape of shapes) {
  if (!shape.name.includes(wanted)) continue;
  const bytes = captured(shape);
  const place = file('changeset', bytes);
  const c = native('read', 1, place);
  check(bytes, c);
  const ways = [readTyped, readValues, readChanges].map((way) => () => way(bytes));
  const [ms, ratios] = await race(['read', place], ways);
  line(shape.name, String(c.changes), (bytes.length / 1024).toFixed(0), ms.toFixed(1), ...ratios);
}

const bytes = captured(mixed);
const following = captured(
  mixed,
  `UPDATE t SET amount=amount+1, name='again' WHERE id%2; DELETE FROM t WHERE id%5=0;
   INSERT INTO t(id,name) SELECT id+200000, name FROM t WHERE id%3=0`,
);
const [first, second] = [file('first', bytes), file('second', following)];
const drained = (items: Iterable<unknown>): unknown => {
  let last: unknown;
  for (const item of items) last = item;
  return last;
};
async function streamed(): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 65_536) pieces.push(bytes.subarray(at, at + 65_536));
  let last: unknown;
  for await (const change of codec.changesFrom(pieces)) last = change;
  return last;
}

console.log('\nOther work on the mixed shape, as ratios to the same work in native C\n');
line('', 'C, ms', 'codec', 'C in wasm');
for (const [name, c, ...ways] of [
  ['invert', ['invert', first], () => codec.invert(bytes), () => new Changeset(bytes).invert()],
  [
    'concat of two',
    ['concat', first, second],
    () => codec.concat(bytes, following),
    () => Changeset.concat(bytes, following),
  ],
  ['reading', ['read', first], () => readChanges(bytes), () => drained(new Changeset(bytes))],
] as const) {
  const [ms, ratios] = await race(c, ways);
  line(name, ms.toFixed(1), ...ratios);
}

console.log('\n... and as ratios to reading in native C, which has no such function\n');
line('', 'C, ms', 'codec');
for (const [name, prepare] of [
  ['statistics', () => () => codec.statistics(bytes)],
  ['validate', () => () => codec.validate(bytes)],
  ['changesFrom', () => streamed],
  ['sqlStatements', () => () => drained(codec.sqlStatements(bytes))],
  ['toJson', () => () => codec.toJson(bytes)],
  [
    'fromJson',
    () => {
      const document = codec.toJson(bytes);
      return () => codec.fromJson(document);
    },
  ],
  [
    'encode',
    () => {
      const changes = [...codec.changes(bytes)];
      return () => codec.encode(changes);
    },
  ],
] as const) {
  const [ms, ratios] = await race(['read', first], [prepare()]);
  line(name, ms.toFixed(1), ...ratios);
}
rmSync(work, { recursive: true });
if (made === undefined) throw new Error('nothing was made');
