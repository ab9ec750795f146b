/**
 * Capture: kills the daemon and `changeset capture` at random, and kills them or makes them fail at every file
 * operation, with the scripts that test each of them. Every committed change must be in the output exactly once.
 */

import { join } from 'node:path';
import { dist } from '../sources.js';
import { captureBroken, countOfCapture, scripts } from '../torture-capture.js';
import { torture } from '../torture-daemon.js';
import { type Api, allFaults, countOperations, type Faults, runBroken } from '../torture-journal.js';
import type { Failure, Part, SuiteOptions } from './suite.js';

export async function* run({ short, minutes, seed }: SuiteOptions): AsyncGenerator<Part> {
  const until = minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + minutes * 60_000;
  const api = (await import(join(dist, 'index.js'))) as Api;
  const rounds = short ? 8 : 200;
  const { committed, schema, different, lost } = await torture(api, rounds, seed);
  yield {
    name: 'daemon, at random',
    ran: rounds,
    failures:
      different + lost > 0 ? [{ case: 'all', what: `${lost} lost, ${different} rows are different` }] : [],
    note: `${committed} commits, ${schema} of the schema`,
  };
  yield await each(
    'daemon, each operation',
    await countOperations(),
    short ? 12 : undefined,
    until,
    (...one) => runBroken(api, ...one),
  );
  for (const index of scripts.keys()) {
    const name = `capture ${index + 1}, each operation`;
    yield await each(name, countOfCapture(index), short ? 12 : undefined, until, (faults, _, again) =>
      captureBroken(api, index, faults, again),
    );
  }
}

/** @param most the number of cases, spread over all; all cases if undefined */
async function each(
  name: string,
  operations: number,
  most: number | undefined,
  until: number,
  attempt: (faults: Faults, turn: number, again?: Faults) => Promise<string | undefined> | string | undefined,
): Promise<Part> {
  const cases = [...allFaults(operations)];
  let step = most === undefined ? 1 : Math.ceil(cases.length / most);
  // The list alternates between the six kinds of faults, so this selects some of each.
  while (most !== undefined && (step % 2 === 0 || step % 3 === 0)) step += 1;
  const failures: Failure[] = [];
  let ran = 0;
  for (let i = 0; i < cases.length && Date.now() < until; i += step) {
    const [faults, again] = cases[i] ?? [{}];
    ran += 1;
    const what = await attempt(faults, i + 1, again);
    if (what !== undefined) failures.push({ case: JSON.stringify([faults, again]), what });
  }
  return { name, ran, failures, note: `${operations} operations` };
}
