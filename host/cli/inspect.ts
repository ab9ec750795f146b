/** `sqlite-wasm-run inspect FILE.wasm`: shows a component's imports, exports and required grants, and whether it would load. */

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

/** How long a component may take to describe itself, in ms. */
const patience = 10_000;
/** The most characters of a line. */
const longestLine = 1000;

/** What the thread that runs the component answers. */
export type Answer = { readonly described: Described } | { readonly failed: string };

/** What that thread is told. */
export interface InspectInput {
  readonly path: string;
  /** In bytes. */
  readonly memory: number;
  /** In ms. */
  readonly patience: number;
}

export const inspectCommand: Action = {
  operands: 'FILE.wasm',
  count: [1, 1],
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
    throw error instanceof Error ? usageError(error.message) : error; // 1 means that it would not load
  }
  const answer: Answer = found.cannotRun
    ? { failed: found.cannotRun }
    : await described({ path, memory: grants.memory, patience });
  // A component that cannot run here may still load with the grants that it requires.
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

/** Why a component that can be linked would not load. */
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

/** Lets the component describe itself in a thread of its own, which is terminated if it does not finish. */
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
  // What a component says about itself must not look like part of this report.
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
