/** Measures whole processes, including their start. The time of an empty script is subtracted. */

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { hashed } from './bench.js';
import type { Program } from './programs.js';

/** A value and a proof for each workload, in the format that the workloads print. */
export type Measured = Record<string, [value: number, proof: number]>;

/** Runs a command with its output in a file, because this process would have to read a pipe at the same time. */
function timed(command: readonly string[], folder: string, input?: string): { ms: number; output: string } {
  const [program = '', ...args] = command;
  const target = join(folder, 'output');
  const output = openSync(target, 'w');
  const from = input === undefined ? 'ignore' : openSync(input, 'r');
  try {
    const started = performance.now();
    const { status, stderr } = spawnSync(program, args, { stdio: [from, output, 'pipe'], encoding: 'utf8' });
    const ms = performance.now() - started;
    if (status !== 0) throw new Error(`${command.join(' ')} failed: ${stderr}`);
    return { ms, output: target };
  } finally {
    closeSync(output);
    if (typeof from === 'number') closeSync(from);
  }
}

/** Writes a file once for each run. */
function once(folder: string, name: string, make: (path: string) => void): string {
  const path = join(folder, name);
  if (!existsSync(path)) make(path);
  return path;
}

/** Writes a Node program that imports a module and optionally uses it. */
function script(folder: string, { kind, module }: Program, use: boolean): string {
  const file = module.startsWith('/') ? pathToFileURL(module).href : module;
  const required = `import { createRequire } from 'node:module';
    const Database = createRequire(import.meta.url)(${JSON.stringify(module)})`;
  const asNode = [
    `import { DatabaseSync } from ${JSON.stringify(file)};`,
    "new DatabaseSync(':memory:').prepare('SELECT 1').get();",
  ];
  const [load = '', action = ''] = {
    c: [],
    ours: asNode,
    'node:sqlite': asNode,
    'better-sqlite3': [`${required};`, "new Database(':memory:').prepare('SELECT 1').get();"],
    'node-sqlite3-wasm': [`${required}.Database;`, "new Database(':memory:').get('SELECT 1');"],
    // It exports a function, whose promise gives the API.
    'sqlite-wasm': [
      `import init from ${JSON.stringify(`${file}/dist/node.mjs`)}; const { oo1 } = await init();`,
      "new oo1.DB(':memory:').selectValue('SELECT 1');",
    ],
  }[kind];
  const name = `${kind.replace(/\W/g, '-')}-${use ? 'use' : 'import'}.mjs`;
  return once(folder, name, (path) => writeFileSync(path, use ? `${load}\n${action}` : load));
}

export function start(program: Program, folder: string): Measured {
  const measured: Measured = {};
  const { kind, node, shell } = program;
  const empty = once(folder, 'empty.mjs', (path) => writeFileSync(path, ''));
  const bare = timed([node, empty], folder).ms;
  if (shell) {
    const over = kind === 'c' ? 0 : bare;
    measured.shellStart = [timed([...shell, ':memory:', 'SELECT 1'], folder).ms - over, 1];
    if (kind !== 'c') {
      const load = ['-cmd', '.load session', ':memory:', 'SELECT 1'];
      measured.shellLoad = [timed([...shell, ...load], folder).ms - over, 1];
    }
  }
  if (kind === 'c') return measured;
  for (const work of ['import', 'open'] as const) {
    const { ms } = timed([node, '--no-warnings', script(folder, program, work === 'open')], folder);
    measured[work] = [ms - bare, 1];
  }
  return measured;
}

const table = 'CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, name TEXT, x REAL);';
const rowAt = (i: number): string[] => [`${i}`, `${i * 7}`, `the name of row number ${i}`, `${i * 0.5}`];

/** Writes input files for the shell: CSV, a script and a database. */
function inputs(shell: readonly string[], folder: string, rows: number) {
  const lines = (make: (cells: string[]) => string): string =>
    Array.from({ length: rows }, (_, i) => make(rowAt(i + 1))).join('\n');
  const csv = once(folder, 'rows.csv', (path) => writeFileSync(path, `${lines((cells) => cells.join())}\n`));
  const sum = 'SELECT count(*) + sum(id) + sum(n) + sum(x) + sum(length(name)) FROM t;';
  const script = once(folder, 'rows.sql', (path) => {
    const insert = ([id, n, name, x]: string[]): string =>
      `INSERT INTO t VALUES(${id}, ${n}, '${name}', ${x});`;
    writeFileSync(path, [table, 'BEGIN;', lines(insert), 'COMMIT;', sum].join('\n'));
  });
  const database = once(folder, 'rows.db', (path) => timed([...shell, path], folder, script));
  return { csv, script, database, sum };
}

export function shell(program: Program, folder: string, rows: number): Measured {
  const { shell } = program;
  if (!shell) return {};
  const { csv, script, database, sum } = inputs(shell, folder, rows);
  const measured: Measured = {};
  const add = (work: string, args: readonly string[], input?: string): void => {
    const bare = timed([...shell, ':memory:', 'SELECT 1'], folder).ms;
    const { ms, output } = timed([...shell, ...args], folder, input);
    measured[work] = [ms - bare, hashed(readFileSync(output))];
  };
  add('import', [':memory:', table, `.import --csv ${csv} t`, sum]);
  add('dump', [database, '.dump']);
  add('json', ['-json', database, 'SELECT * FROM t']);
  add('csv', ['-csv', database, 'SELECT * FROM t']);
  add('script', [':memory:'], script);
  return measured;
}
