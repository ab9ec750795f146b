/**
 * Implements `sqlite-wasm-run inspect FILE.wasm`, which shows a component's imports, exports and required grants, and
 * whether it can be loaded.
 */

import '../node/platform.js';
import { Worker } from 'node:worker_threads';
import { shown, shownJson } from '../core/shown.js';
import { type CheckedGrants, checkGrants } from '../kernel/grants.js';
import { refuseReplacing } from '../loader/admission.js';
import { type Described, type Inspection, inspect } from '../loader/inspect.js';
import { ownFile } from '../node/package.js';
import type { Action, Given } from './command.js';
import { exitCodes, usageError } from './exit.js';
import { print } from './output.js';

/** The maximum time in ms for a component to describe itself. */
const patience = 10_000;
/** The maximum length of a line in characters. */
const longestLine = 1000;

/** The answer of the thread that runs the component. */
export type Answer = { readonly described: Described } | { readonly failed: string };

export interface InspectInput {
  readonly path: string;
  /** The memory limit in bytes. */
  readonly memory: number;
  /** The maximum time to prepare the component, in ms. */
  readonly patience: number;
}

export const inspectCommand: Action = {
  operands: 'FILE.wasm',
  options: { json: { help: 'print a JSON document' } },
  takesOwn: true,
  run,
};

async function run({ own, rest, on }: Given): Promise<number> {
  const [path = ''] = rest;
  let found: Inspection;
  let grants: CheckedGrants;
  try {
    grants = checkGrants(own?.grants);
    found = inspect(path, grants);
  } catch (error) {
    throw error instanceof Error ? usageError(error.message) : error; // exit code 1 means that the component cannot be loaded
  }
  const answer: Answer = found.cannotRun
    ? { failed: found.cannotRun }
    : await described({ path, memory: grants.memory, patience });
  // A component that cannot run without grants may still be loaded with them.
  const refused = found.refused ?? whyRefused(path, answer, found, grants);
  const report = {
    ...found,
    ...answer,
    loads: refused === undefined,
    ...(refused !== undefined && { refused }),
  };
  print(on('json') ? `${shownJson(JSON.stringify(report, null, 2))}\n` : asText(path, report));
  return report.loads ? exitCodes.done : exitCodes.failed;
}

/** The reason why a component that can be linked cannot be loaded; undefined if it can. */
function whyRefused(
  path: string,
  answer: Answer,
  { cannotRun }: Inspection,
  grants: CheckedGrants,
): string | undefined {
  if ('failed' in answer) return cannotRun ? undefined : answer.failed;
  try {
    if (!grants.replace) refuseReplacing(path, answer.described.replaces);
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}

/** Runs the component to describe itself in a worker thread, and terminates the thread if it takes too long. */
function described(workerData: InspectInput): Promise<Answer> {
  return new Promise((resolve) => {
    const worker = new Worker(ownFile('cli/inspect-thread.js'), { workerData });
    const end = (answer: Answer): void => {
      clearTimeout(timer);
      void worker.terminate().then(() => resolve(answer));
    };
    const timer = setTimeout(
      () => end({ failed: `${workerData.path} did not describe itself within ${patience / 1000} seconds` }),
      patience,
    );
    worker.on('message', end);
    worker.on('error', (error) => end({ failed: error.message }));
  });
}

type Report = Inspection & Partial<{ described: Described; failed: string }> & { readonly loads: boolean };

function asText(path: string, report: Report): string {
  const { described: own } = report;
  const lines: string[] = [];
  // Escape the component's texts, so that they cannot imitate lines of this report.
  const add = (label: string, values: readonly string[]): void => {
    values.forEach((value, index) => {
      lines.push(`  ${(index === 0 ? label : '').padEnd(11)}${shown(value, longestLine)}`);
    });
  };
  lines.push(shown(path));
  add('size', [`${report.size} bytes`]);
  add('sha-256', [report.sha256]);
  if (report.shipped) add('ships', ['with this program']);
  add('contract', report.contracts);
  add('world', [report.worlds.join(', ') || 'custom']);
  if (own) {
    add('name', [`${own.name} ${own.version}`]);
    add('functions', own.functions);
    add('aggregates', own.aggregates);
    add('collations', own.collations);
    add('tables', own.tables);
    add('hooks', own.hooks);
    add('replaces', own.replaces);
  } else {
    add('described', [`no: ${report.failed}`]);
  }
  add(
    'imports',
    report.imports.flatMap(({ name, granted, remedy, parts = [] }) => {
      const state = (granted: boolean, remedy: string): string =>
        granted ? '(granted)' : `(needs ${remedy})`;
      const own = parts.map((part) => `  ${part.name} ${state(part.granted, part.remedy)}`);
      if (remedy === undefined) return [granted ? name : `${name} (unavailable)`, ...own];
      return [`${name} ${state(granted, remedy)}`, ...own];
    }),
  );
  add('loads', [report.loads ? 'yes' : `no: ${report.refused}`]);
  return `${lines.join('\n')}\n`;
}
