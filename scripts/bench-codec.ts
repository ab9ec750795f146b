/**
 * The codec against the C library, in one run: `npm run bench:codec`. Needs a C compiler. C is compiled at -O2 with the
 * options of the core. Both sides take turns, and medians are compared: below 1, the codec takes less time.
 *
 *     -- --shape text      only shapes whose name has this
 *     -- --rounds 30       how often each side does it
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nativeProgram } from '../test/oracle.js';
import { captured, shapes } from './bench-shapes.js';
import { dist } from './sources.js';

type Codec = typeof import('sqlite-wasm-run/changeset');
type Value = import('sqlite-wasm-run/changeset').Value;
const codec = (await import(join(dist, 'changeset/index.js'))) as Codec;

const option = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? '');
};
/** SQLite's codes of the operations. */
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

/** What was read last: were it used nowhere, none of it would have to be made. */
let taken: Value | undefined;

function timed(action: () => Value | undefined): number {
  const started = performance.now();
  taken = action();
  return performance.now() - started;
}

/** Values as the reader's own functions for each type give them, INTEGERs as numbers, blobs not copied. */
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

/** The values of the API: INTEGERs are bigints, blobs copies. */
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

/** Changes, each an object with all of its values. */
function readChanges(bytes: Uint8Array): Value | undefined {
  let last: Value | undefined;
  for (const { old, new: fresh } of codec.changes(bytes)) {
    for (let i = 0; i < old.length; i++) last = old[i];
    for (let i = 0; i < fresh.length; i++) last = fresh[i];
  }
  return last;
}

/** What test/programs/measure.c sums up, of the codec's values. */
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
    throw new Error(`they read different things: ${JSON.stringify({ ...c, ours: { changes, sum } })}`);
  }
}

const ways = { typed: readTyped, values: readValues, changes: readChanges };
const line = (name: string, ...columns: string[]): void =>
  console.log(name.padEnd(22) + columns.map((column) => column.padStart(10)).join(''));

console.log(`Node ${process.version}: reading every value, as ratios to the native iterator\n`);
line('', 'changes', 'KB', 'C, ms', ...Object.keys(ways));
const all: number[][] = [];
for (const shape of shapes) {
  if (!shape.name.includes(wanted)) continue;
  const bytes = captured(shape);
  const file = join(work, 'changeset');
  writeFileSync(file, bytes);
  check(bytes, native('read', 1, file));
  const c: number[] = [];
  const ours = Object.keys(ways).map((): number[] => []);
  let changes = 0;
  for (let round = 0; round < rounds; round += 3) {
    const part = native('read', 3, file);
    changes = part.changes;
    c.push(...part.ms);
    Object.values(ways).forEach((way, w) => {
      for (let i = 0; i < 3; i++) ours[w]?.push(timed(() => way(bytes)));
    });
  }
  const base = median(c);
  const ratios = ours.map((samples) => median(samples) / base);
  all.push(ratios);
  line(
    shape.name,
    String(changes),
    (bytes.length / 1024).toFixed(0),
    base.toFixed(1),
    ...ratios.map((ratio) => ratio.toFixed(2)),
  );
}
const mean = (w: number): number =>
  Math.exp(all.reduce((sum, ratios) => sum + Math.log(ratios[w] ?? 1), 0) / all.length);
line('geometric mean', '', '', '', ...Object.keys(ways).map((_, w) => mean(w).toFixed(2)));
rmSync(work, { recursive: true });
if (taken === undefined) throw new Error('nothing was read');
