/** Runs groups of workloads. The programs take turns in rounds, and all must return the same proofs. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { cache, root } from '../sources.js';
import { type Group, groups, titled } from './groups.js';
import * as outside from './outside.js';
import { bundledWork, type Program, programs, workFolder } from './programs.js';
import { cell, machine, type Result, type Run, type Samples } from './results.js';

export type GroupName = keyof typeof groups;

export interface Plan {
  readonly names: readonly GroupName[];
  readonly rounds: number;
  readonly rows: number;
  /** Only native C and this package on this Node. */
  readonly short: boolean;
  readonly onGroup: (title: string) => void;
}

/** A higher load makes the measurements unreliable. */
const quiet = 0.5;

const environment = {
  ...process.env,
  SQLITE_WASM_RUN_CACHE: join(cache, 'components'),
  BENCH_COMPONENT: join(root, 'test/guests/echo.wasm'),
};

/** Runs the workloads of a group in one process. Returns its output, one line for each repetition. */
function printed({ title, work }: Program, group: string, ...args: readonly string[]): outside.Measured[] {
  const [command = '', ...before] = work;
  const { status, stdout, stderr } = spawnSync(command, [...before, group, ...args], {
    encoding: 'utf8',
    env: environment,
  });
  if (status !== 0) throw new Error(`${title} failed at ${group}: ${stderr}`);
  const lines = stdout.trim().split('\n');
  return lines.map((line) => JSON.parse(line) as outside.Measured);
}

function sqliteVersion(program: Program, folder: string): string {
  const [number = 0] = printed(program, 'version', folder, '1')[0]?.version ?? [];
  return [number / 1_000_000, (number / 1000) % 1000, number % 1000].map(Math.floor).join('.');
}

/** Returns the results of a program in one turn, for each repetition. */
function measured(
  program: Program,
  name: GroupName,
  { repetitions }: Group,
  { rows }: Plan,
  folder: string,
): outside.Measured[] {
  if (name === 'start') {
    return Array.from({ length: repetitions }, () => outside.start(program, folder));
  }
  if (name === 'shell') return [outside.shell(program, folder, rows)];
  return printed(program, name, folder, String(repetitions), String(rows));
}

/** Throws if the proof of a program differs from that of the others, because then it did different work. */
export function prove(
  proofs: Map<string, [proof: number, by: string]>,
  work: string,
  proof: number,
  by: string,
): void {
  const [expected, other] = proofs.get(work) ?? [proof, by];
  proofs.set(work, [expected, other]);
  if (!(Math.abs(proof - expected) <= 1e-9 * Math.abs(expected))) {
    throw new Error(`${work}: ${by} gives ${proof}, but ${other} gives ${expected}; they did different work`);
  }
}

function runGroup(
  name: GroupName,
  all: readonly Program[],
  plan: Plan,
  folder: string,
): Record<string, Result> {
  const group: Group = groups[name];
  const entrants = all.filter(({ kind }) => group.kinds.includes(kind));
  const samples = new Map<string, Samples>();
  const proofs = new Map<string, [number, string]>();
  for (let round = 0; round < plan.rounds; round++) {
    for (const program of entrants) {
      for (const [repetition, found] of measured(program, name, group, plan, folder).entries()) {
        for (const [work, [value, proof]] of Object.entries(found)) {
          prove(proofs, work, proof, program.title);
          const key = `${program.id} ${work}`;
          const own = samples.get(key) ?? { first: [], warm: [] };
          samples.set(key, own);
          own[repetition === 0 || group.outside ? 'first' : 'warm'].push(value);
        }
      }
    }
  }
  return Object.fromEntries(
    Object.entries(group.works).map(([work, title]): [string, Result] => {
      // Calls have no comparable call in C, and starts are compared with an empty Node script.
      const native = name === 'calls' || name === 'start' ? undefined : samples.get(`c ${work}`);
      const found = entrants.flatMap(({ id }) => {
        const own = samples.get(`${id} ${work}`);
        return own ? [[id, cell(own, native)] as const] : [];
      });
      const result = {
        title: titled(title, plan.rows),
        unit: group.unit,
        programs: Object.fromEntries(found),
      };
      return [`${name}.${work}`, result];
    }),
  );
}

export async function run(plan: Plan): Promise<Run> {
  const at = machine();
  if (at.load > quiet) {
    console.error(`other programs use this machine (load ${at.load}): the figures will spread`);
  }
  using folder = workFolder();
  const kinds = [...new Set(plan.names.flatMap((name): Group['kinds'] => groups[name].kinds))];
  const wanted = plan.short ? kinds.filter((kind) => kind === 'c' || kind === 'ours') : kinds;
  const all = programs(wanted, await bundledWork(folder.path), plan.short);
  const results: Record<string, Result> = {};
  for (const name of plan.names) {
    plan.onGroup(groups[name].title);
    Object.assign(results, runGroup(name, all, plan, folder.path));
  }
  return {
    format: 1,
    date: new Date().toISOString(),
    machine: at,
    rounds: plan.rounds,
    rows: plan.rows,
    programs: Object.fromEntries(
      all.map((program) => {
        const { id, title, on } = program;
        return [id, { title, sqlite: sqliteVersion(program, folder.path), ...(on !== '' && { node: on }) }];
      }),
    ),
    results,
  };
}
