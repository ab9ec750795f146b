/** The benchmark: its workloads, writing and reading of runs, and slower results found by --check. */

import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DatabaseSync } from 'sqlite-wasm-run';
import { changes } from 'sqlite-wasm-run/changeset';
import { beforeAll, describe, expect, test } from 'vitest';
import { insert } from '../../scripts/bench/bench.js';
import { chart } from '../../scripts/bench/chart.js';
import { slower } from '../../scripts/bench/check.js';
import { titled } from '../../scripts/bench/groups.js';
import { nativeWork } from '../../scripts/bench/native.js';
import type { Database } from '../../scripts/bench/peers.js';
import { inserted, markdown } from '../../scripts/bench/print.js';
import { cell, figure, type Result, type Run, readRun, written } from '../../scripts/bench/results.js';
import { prove } from '../../scripts/bench/run.js';
import { change } from '../../scripts/bench/work-sessions.js';
import { root } from '../../scripts/sources.js';
import { sharedFolder } from '../kit/folder.js';

const folder = sharedFolder('bench');
const native = nativeWork();
const execute = promisify(execFile);

/** Runs the bench. Returns its exit code and what it prints. */
async function bench(...args: string[]): Promise<{ code: number; output: string }> {
  const command = ['--import', 'tsx', join(root, 'scripts/bench/main.ts'), ...args];
  try {
    const { stdout, stderr } = await execute(process.execPath, command, { cwd: root });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

/** Makes a run from the milliseconds of each program, by work. */
function made(works: Readonly<Record<string, Readonly<Record<string, number>>>>): Run {
  const ids = [...new Set(Object.values(works).flatMap(Object.keys))];
  const samples = (ms: number) => ({ first: [2 * ms], warm: [ms, ms] });
  const results = Object.entries(works).map(([key, times]): [string, Result] => {
    const cells = Object.entries(times).map(([id, ms]) => [
      id,
      cell(samples(ms), 'c' in times ? samples(times.c ?? 0) : undefined),
    ]);
    return [key, { title: key, unit: 'ms', programs: Object.fromEntries(cells) }];
  });
  return {
    format: 1,
    date: '2026-01-01T00:00:00.000Z',
    machine: { cpu: 'a CPU', cores: 2, memory: '4 GiB', load: 0, system: 'a system' },
    rounds: 1,
    rows: 100_000,
    programs: Object.fromEntries(ids.map((id) => [id, { title: id, sqlite: '3.54.1' }])),
    results: Object.fromEntries(results),
  };
}

test('the changes that are captured are as many inserts as updates', () => {
  const rows = 300;
  using db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, name TEXT, x REAL)');
  insert(db as unknown as Database, 1, rows);
  const session = db.createSession();
  change(db as unknown as Database, rows);
  const counts: Record<string, number> = {};
  for (const { op } of changes(session.changeset())) counts[op] = (counts[op] ?? 0) + 1;
  expect(counts).toEqual({ insert: rows, update: rows });
});

test('a program whose result differs from the others is an error', () => {
  const proofs = new Map<string, [number, string]>();
  prove(proofs, 'get', 1e12, 'C');
  prove(proofs, 'get', 1e12, 'ours');
  expect(() => prove(proofs, 'get', 1e12 + 2000, 'a peer')).toThrow('get: a peer gives 1000000002000, but C');
  expect(() => prove(proofs, 'get', Number.NaN, 'a peer')).toThrow('they did different work');
});

test('figures are the median and the quartiles', () => {
  expect(figure([5, 1, 2, 4, 3])).toEqual({ median: 3, low: 2, high: 4, samples: 5 });
  expect(figure([1, 2])).toEqual({ median: 1.5, low: 1.25, high: 1.75, samples: 2 });
});

test('titles name their numbers of rows', () => {
  expect(titled('# reads, #/10 of #*2 in #*10', 100_000)).toBe('100 k reads, 10 k of 200 k in 1 M');
});

describe('a comparison with a recording', () => {
  const recorded = made({
    'memory.get': { c: 10, 'ours@20': 40, 'ours@24': 20 },
    'start.open': { 'ours@20': 90, 'ours@24': 70 },
  });
  const run = (ms: number, id = 'ours@24'): Run => made({ 'memory.get': { c: 100, [id]: ms } });

  test('passes up to the allowed factor, and compares with the nearest Node', () => {
    expect(slower(recorded, run(399))).toEqual([]);
    expect(slower(recorded, run(401))).toEqual([{ key: 'memory.get', ratio: 4.01, recorded: 2 }]);
    expect(slower(recorded, run(401, 'ours@26'))).toHaveLength(1);
    expect(slower(recorded, run(799, 'ours@20'))).toEqual([]);
  });

  test('counts the best of two runs', () => {
    expect(slower(recorded, run(900), run(250))).toEqual([]);
    expect(slower(recorded, run(900), run(500))).toHaveLength(1);
  });

  test('leaves out what waits for the disk', () => {
    const before = made({ 'files.walCommit': { c: 100, 'ours@24': 110 } });
    expect(slower(before, made({ 'files.walCommit': { c: 100, 'ours@24': 900 } }))).toEqual([]);
  });
});

test('the table has ratios to C where there is one, and values otherwise', () => {
  const run = made({ 'memory.get': { c: 10, 'ours@24': 25 }, 'start.open': { 'ours@24': 70, peer: 3 } });
  const lines = markdown(run).split('\n');
  expect(lines).toContain('| memory.get | 10.0 ms | 2.50 (2.50) | - |');
  expect(lines).toContain('| start.open | - | 70.0 ms (140) | 3.00 ms (6.00) |');
});

test('the table goes to its place, and replaces another', () => {
  const document = 'before\n<!-- npm run bench -- --record -->\n\n| old |\n\n<!-- end -->\nafter\n';
  const once = inserted(document, '| new |');
  expect(once).toBe('before\n<!-- npm run bench -- --record -->\n\n| new |\n\n<!-- end -->\nafter\n');
  expect(inserted(once, '| new |')).toBe(once);
  expect(() => inserted('none', '')).toThrow('no place for the table');
  expect(inserted(readFileSync(join(root, 'host/README.md'), 'utf8'), '| new |')).toContain('| new |');
});

test('a run that was written can be read again', () => {
  const run = made({ 'memory.get': { c: 10, 'ours@24': 20 } });
  const file = join(folder, 'written.json');
  writeFileSync(file, written(run));
  expect(readRun(file)).toEqual(run);
});

test('bars are as long as ratios, of the newest Node only', () => {
  const svg = chart(made({ 'memory.get': { c: 10, 'ours@20': 80, 'ours@24': 20, 'node:sqlite': 40 } }));
  const widths = [...svg.matchAll(/<rect x="310"[^>]* width="([\d.]+)"/g)].map(([, width]) => Number(width));
  expect(widths).toHaveLength(2);
  expect((widths[1] ?? 0) / (widths[0] ?? 1)).toBeCloseTo(2, 2);
  expect(svg).not.toContain('ours@20');
});

describe.skipIf(!native)('a small run', () => {
  const file = join(folder, 'run.json');
  let first: { code: number; output: string };
  beforeAll(async () => {
    first = await bench('memory', '--short', '--rows', '500', '--rounds', '1', '--json', file);
  });
  const read = (): Run => JSON.parse(readFileSync(file, 'utf8')) as Run;

  test('writes medians, spreads and ratios of first and warm repetitions', () => {
    expect(first.code, first.output).toBe(0);
    const { programs, results, rows } = read();
    const own = `ours@${process.versions.node.split('.')[0]}`;
    expect(Object.keys(programs)).toEqual(['c', own]);
    expect(rows).toBe(500);
    expect(Object.keys(results)).toEqual(['memory.insert', 'memory.get']);
    for (const { programs: cells } of Object.values(results)) {
      expect(cells.c?.ratio).toEqual({ first: 1, warm: 1 });
      const { first, warm, ratio } = cells[own] ?? {};
      expect(first?.samples).toBe(1);
      expect(warm?.samples).toBe(4);
      expect(warm?.low).toBeLessThanOrEqual(warm?.median ?? 0);
      expect(warm?.median).toBeLessThanOrEqual(warm?.high ?? 0);
      const expected = (warm?.median ?? 0) / (cells.c?.warm?.median ?? 0);
      expect(ratio?.warm).toBeCloseTo(expected, Math.floor(2 - Math.log10(expected)));
    }
  });

  test.each([
    ['passes', 'slow', 100, 0],
    ['fails', 'fast', 1 / 100, 1],
  ])('--check %s if the recorded program was %s', async (_, name, factor, code) => {
    const doctored = JSON.parse(JSON.stringify(read()), (key, value: unknown) => {
      if (key !== 'ratio') return value;
      const { first, warm } = value as { first: number; warm: number };
      return { first: first * factor, warm: warm * factor };
    }) as Run;
    const recording = join(folder, `${name}.json`);
    writeFileSync(recording, JSON.stringify(doctored));
    const checked = await bench('memory', '--rounds', '1', '--check', recording);
    expect(checked.code, checked.output).toBe(code);
    expect(checked.output.includes('Slower than recorded')).toBe(code === 1);
  });
});

test('invalid runs, subjects and numbers are refused', async () => {
  const other = join(folder, 'other.json');
  writeFileSync(other, '{}');
  expect((await bench('--from', other)).output).toContain('is not a run of the bench');
  expect(await bench('memroy')).toMatchObject({
    code: 2,
    output: expect.stringContaining('unknown group memroy'),
  });
  expect(await bench('memory', '--rows', 'x')).toMatchObject({ code: 2 });
});
