/** Reads the expected results of the suites from test/reliability.json. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../sources.js';
import type { Part } from './suite.js';

type Form = 'short' | 'long';

interface Known {
  readonly suite: string;
  readonly part: string;
  readonly case: string;
  /** The form in which the case fails; both if absent. */
  readonly form?: Form;
  readonly reason: string;
}

interface Expectations {
  /** The least number of cases by suite, part and form. */
  readonly atLeast: Record<string, Record<string, Partial<Record<Form, number>>>>;
  readonly fails: readonly Known[];
}

const file = join(root, 'test/reliability.json');
const read = (): Expectations => JSON.parse(readFileSync(file, 'utf8')) as Expectations;

/** Returns the differences between the results of a suite and the expected results, one per line. */
export function differences(suite: string, parts: readonly Part[], form: Form): string[] {
  const expectations = read();
  const listed = expectations.atLeast[suite] ?? {};
  const found: string[] = [];
  for (const part of parts) {
    const known = new Map(
      expectations.fails
        .filter((entry) => entry.suite === suite && entry.part === part.name)
        .filter((entry) => entry.form === undefined || entry.form === form)
        .map((entry) => [entry.case, entry.reason]),
    );
    const failed = new Set(part.failures.map((failure) => failure.case));
    for (const failure of part.failures) {
      if (!known.has(failure.case)) found.push(`${part.name}, ${failure.case}: ${failure.what}`);
    }
    for (const [name, reason] of known) {
      if (!failed.has(name)) found.push(`${part.name}, ${name} passed, but is listed: ${reason}`);
    }
    const wanted = listed[part.name]?.[form];
    if (wanted === undefined) found.push(`${part.name} is not listed`);
    else if (part.ran < wanted)
      found.push(`${part.name}: ${part.ran} cases ran, at least ${wanted} are listed`);
  }
  for (const [name, forms] of Object.entries(listed)) {
    if (forms[form] !== undefined && !parts.some((part) => part.name === name)) {
      found.push(`${name} did not run, but is listed`);
    }
  }
  return found.map((text) => `${suite}: ${text}`);
}

/**
 * The least number of cases to expect. It is lower for many cases, because another SQLite or machine does slightly
 * fewer file operations.
 */
const least = (ran: number): number => (ran > 100 ? Math.floor(ran * 0.9) : ran);

/** Writes the numbers of cases. Failing cases are listed by hand, with the reason. */
export function write(suite: string, parts: readonly Part[], form: Form): void {
  const expectations = read();
  const atLeast = { ...expectations.atLeast[suite] };
  for (const name of Object.keys(atLeast)) {
    const { [form]: _, ...rest } = atLeast[name] ?? {};
    atLeast[name] = rest;
    if (Object.keys(rest).length === 0) delete atLeast[name];
  }
  for (const { name, ran } of parts) atLeast[name] = { ...atLeast[name], [form]: least(ran) };
  expectations.atLeast[suite] = atLeast;
  writeFileSync(file, `${JSON.stringify(expectations, null, 2)}\n`);
}
