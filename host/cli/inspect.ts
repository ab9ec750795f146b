/** `sqlite-wasm-run inspect FILE.wasm`: shows a component's imports, exports and required grants, and whether it would load. */

import '../node/platform.js';
import { Worker } from 'node:worker_threads';
import { shown, shownJson } from '../core/shown.js';
import { type CheckedGrants, checkGrants } from '../kernel/grants.js';
import { refuseReplacing } from '../loader/admission.js';
import { type Described, type Inspection, inspect } from '../loader/inspect.js';
import { ownFile } from '../node/package.js';
import { complain, exitCodes, type Option, usageError } from './command.js';
import { ownHelp, takeOwnOptions } from './options.js';
import { programName } from './shell.js';

/** How long a component may take to describe itself, in ms. */
const patience = 10_000;
/** The most characters of a line. */
const longestLine = 1000;

const program = `${programName} inspect`;

const usage = `Usage: ${program} FILE.wasm [--json] [options]

Show a component's imports, exports and required grants, and whether it would
load with the given options. Exit code: 0 if it would, 1 if not, 2 if the file
does not exist.
`;

export const inspectOptions: Readonly<Record<string, Option>> = { json: { help: 'print a JSON document' } };

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

/** @param argv what follows `inspect`. Returns the exit code. */
export async function inspectMain(argv: readonly string[]): Promise<number> {
  let found: Inspection;
  let json: boolean;
  let path: string;
  let grants: CheckedGrants;
  try {
    const { args, own } = takeOwnOptions(argv);
    if (args.includes('--help') || args.includes('-h') || args.includes('-help')) {
      process.stdout.write(usage + ownHelp());
      return exitCodes.done;
    }
    json = args.includes('--json');
    const files = args.filter((arg) => arg !== '--json');
    const wrong = files.find((arg) => arg.startsWith('-'));
    if (wrong !== undefined) throw usageError(`unknown option ${wrong}; see ${program} --help`);
    if (files.length !== 1) {
      throw usageError(`expected one file, got ${files.length}; see ${program} --help`);
    }
    path = files[0] ?? '';
    grants = checkGrants(own.grants);
    found = inspect(path, grants);
  } catch (error) {
    complain(program, error);
    return exitCodes.usage;
  }
  const answer: Answer = found.cannotRun
    ? { failed: found.cannotRun }
    : await run({ path, memory: grants.memory, patience });
  // A component that cannot run here may still load with the grants that it requires.
  const refused = found.refused ?? whyRefused(path, answer, found, grants);
  const report = {
    ...found,
    ...answer,
    loads: refused === undefined,
    ...(refused !== undefined && { refused }),
  };
  process.stdout.write(json ? `${shownJson(JSON.stringify(report, null, 2))}\n` : asText(path, report));
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
function run(workerData: InspectInput): Promise<Answer> {
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
  const { described } = report;
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
  if (described) {
    add('name', [`${described.name} ${described.version}`]);
    add('functions', described.functions);
    add('aggregates', described.aggregates);
    add('collations', described.collations);
    add('tables', described.tables);
    add('hooks', described.hooks);
    add('replaces', described.replaces);
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
