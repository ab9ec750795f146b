/**
 * Compares extensions in different languages: `npm run bench:languages`, on Node 22 or later. Measures the function
 * slug(text) of `new-extension` in C and TypeScript, and in JavaScript built with componentize-js.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { componentize } from '@bytecodealliance/componentize-js';
import { DatabaseSync } from 'sqlite-wasm-run';
import { compiler, dist, fetchSource, root } from './sources.js';
import { contractVersion, witText } from './wit.js';

const folder = mkdtempSync(join(tmpdir(), 'languages-'));
process.env.SQLITE_WASM_RUN_CACHE = join(folder, 'cache');

function link(name: string, target: string): void {
  const path = join(folder, 'node_modules', name);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}
for (const name of ['@bytecodealliance/jco-transpile', 'componentize-qjs', 'typescript']) {
  link(name, join(root, 'node_modules', name));
}
link('@yowasp/clang', fetchSource(compiler));
link('sqlite-wasm-run', root);

function run(cwd: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Builds the extension that `new-extension` writes. */
function written(language: string): string {
  const name = `in-${language}`;
  run(folder, join(dist, 'cli/main.js'), 'new-extension', name, '--language', language);
  run(join(folder, name), 'build.mjs');
  return join(folder, name, `${name}.wasm`);
}

async function starlingMonkey(): Promise<string> {
  const source = `
export const metadata = { describe: () => ({ name: 'javascript', version: '0.1.0' }) };
export const scalarFunction = {
  describe: () => [
    { id: 0n, name: 'slug', numArgs: 1, options: { deterministic: true, directOnly: false, innocuous: true } },
  ],
  call: (_id, [text]) => ({
    tag: 'text',
    val: text.val
      .replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
      .replace(/[^0-9A-Za-z\\u0080-\\u{10ffff}]+/gu, '-')
      .replace(/^-|-$/g, ''),
  }),
};`;
  const interfaces = ['metadata', 'scalar-function'];
  const lines = interfaces.map((name) => `  export sqlite:extension/${name}@${contractVersion};`);
  // Its types lack the signature that takes all input as text.
  const make = componentize as unknown as (
    source: string,
    options: object,
  ) => Promise<{ component: Uint8Array }>;
  const { component } = await make(source, {
    witWorld: witText(`package local:javascript;\nworld script {\n${lines.join('\n')}\n}`),
    worldName: 'script',
    disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event'],
  });
  const file = join(folder, 'javascript.wasm');
  writeFileSync(file, component);
  return file;
}

const median = (samples: number[]): number =>
  samples.sort((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN;

function timed(action: () => void): number {
  const started = performance.now();
  action();
  return performance.now() - started;
}

/** The time of `.load` in a new process, in ms. */
function load(file: string): number {
  const program = `import { DatabaseSync } from 'sqlite-wasm-run';
    const db = new DatabaseSync(':memory:', { allowExtension: true });
    const started = performance.now(); db.loadExtension(${JSON.stringify(file)});
    console.log(performance.now() - started)`;
  return Number(run(root, '--input-type=module', '-e', program));
}

/** The bytes of WebAssembly memory that another instance uses after a call. */
function instanceSize(file: string): number {
  const program = `import { DatabaseSync } from 'sqlite-wasm-run';
    const { Instance } = WebAssembly;
    const memories = new Set();
    WebAssembly.Instance = function (...args) {
      const instance = new Instance(...args);
      for (const value of Object.values(instance.exports)) if (value instanceof WebAssembly.Memory) memories.add(value);
      return instance;
    };
    const db = new DatabaseSync(':memory:', { allowExtension: true });
    memories.clear();
    db.loadExtension(${JSON.stringify(file)});
    db.prepare("SELECT slug('Hello, World!')").get();
    console.log([...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0));`;
  return Number(run(root, '--input-type=module', '-e', program));
}

/** The time of a call in microseconds, compared with the same query without the call. */
function callTime(file: string, count: number): number {
  const db = new DatabaseSync(':memory:', { allowExtension: true });
  db.loadExtension(file);
  const query = (expression: string) =>
    db.prepare(
      `WITH RECURSIVE g(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM g LIMIT ${count})
       SELECT sum(length(${expression})) FROM g`,
    );
  const text = "('Hello, World ' || value)";
  const [bare, full] = [query(text), query(`slug(${text})`)];
  const samples = Array.from({ length: 5 }, () => timed(() => full.get()) - timed(() => bare.get()));
  db.close();
  return (median(samples) / count) * 1000;
}

try {
  const columns = ['component, KB', 'first .load, ms', 'cached, ms', 'instance, MB', 'call, us'];
  console.log(`Node ${process.version}\n`);
  console.log(''.padEnd(28) + columns.map((name) => name.padStart(17)).join(''));
  const components: [string, string, number][] = [
    ['C', written('c'), 200_000],
    ['TypeScript, QuickJS', written('typescript'), 10_000],
    ['JavaScript, StarlingMonkey', await starlingMonkey(), 1000],
  ];
  for (const [name, file, count] of components) {
    const first = load(file);
    const cached = median(Array.from({ length: 7 }, () => load(file)));
    const values = [
      (statSync(file).size / 1000).toFixed(0),
      first.toFixed(0),
      cached.toFixed(0),
      (instanceSize(file) / 2 ** 20).toFixed(1),
      callTime(file, count).toFixed(count > 100_000 ? 2 : 0),
    ];
    console.log(name.padEnd(28) + values.map((text) => text.padStart(17)).join(''));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
