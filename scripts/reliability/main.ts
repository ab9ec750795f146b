/**
 * Runs the suites that test files under failures, and prints a table of the results. Fails if a case fails that
 * test/reliability.json does not list, if a listed case passes, or if fewer cases run. See {@link usage}.
 */

import { parseArgs } from 'node:util';
import { run as capture } from './capture.js';
import { run as endurance } from './endurance.js';
import { differences, write } from './expectations.js';
import { run as injection } from './injection.js';
import { run as kill } from './kill.js';
import { run as memory } from './memory.js';
import { run as mixed } from './mixed.js';
import { run as mptest } from './mptest.js';
import { run as powerLoss } from './power-loss.js';
import { run as shell } from './shell.js';
import { run as speedtest1 } from './speedtest1.js';
import { type Part, type Suite, Unavailable } from './suite.js';

const suites: Readonly<Record<string, Suite>> = {
  'power-loss': powerLoss,
  kill,
  capture,
  injection,
  memory,
  mixed,
  mptest,
  shell,
  speedtest1,
  endurance,
};

const usage = `npm run test:reliability                        all suites
npm run test:reliability -- --short             as CI runs them
npm run test:reliability -- kill --minutes 5    one suite, for 5 minutes

--seed N     repeat the run with that seed
--write      write the numbers of cases to test/reliability.json

Suites: ${Object.keys(suites).join(', ')}`;

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

const options = {
  help: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
  minutes: { type: 'string' },
  seed: { type: 'string' },
  write: { type: 'boolean', default: false },
} as const;

function parsed() {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}
const { values, positionals } = parsed();
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const above0 = (name: string, given: string | undefined): number | undefined => {
  if (given === undefined) return undefined;
  if (!(Number(given) > 0)) fail(`--${name} ${given}: not a number above 0`);
  return Number(given);
};
const minutes = above0('minutes', values.minutes);
const seed = above0('seed', values.seed) ?? 1;
const form = values.short ? 'short' : 'long';
for (const name of positionals) {
  if (!Object.hasOwn(suites, name)) {
    fail(`unknown suite ${name}\n\n${usage}`);
  }
}

const line = (...cells: readonly string[]): void => {
  const [suite = '', part = '', ran = '', passed = '', time = '', note = ''] = cells;
  console.log(
    `${suite.padEnd(12)}${part.padEnd(56)}${ran.padStart(8)}${passed.padStart(8)}${time.padStart(8)}  ${note}`.trimEnd(),
  );
};
const wrong: string[] = [];
line('suite', 'part', 'ran', 'passed', 'time');
for (const name of positionals.length > 0 ? positionals : Object.keys(suites)) {
  const parts: Part[] = [];
  let begun = Date.now();
  try {
    const suite = suites[name] ?? fail(name);
    for await (const part of suite({ short: values.short, minutes, seed })) {
      parts.push(part);
      const seconds = `${((Date.now() - begun) / 1000).toFixed(0)} s`;
      const passed = part.ran - part.failures.length;
      line(name, part.name, String(part.ran), String(passed), seconds, part.note ?? '');
      for (const failure of part.failures) console.log(`  ${failure.case}: ${failure.what}`);
      begun = Date.now();
    }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    line(name, `skipped: ${error.message}`);
    continue;
  }
  if (values.write) write(name, parts, form);
  // The number of cases depends on the time.
  const found = differences(name, parts, form);
  wrong.push(...(minutes === undefined ? found : found.filter((text) => !text.includes(' listed'))));
}
for (const text of wrong) console.error(text);
process.exitCode = wrong.length > 0 ? 1 : 0;
