/** From a component's bytes to transpiled files that can be trusted: shipped, cached, or made now. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ownFile } from '../core/package.js';
import { shown } from '../core/shown.js';
import { capMemory, entriesFor, ownParts } from './memory-cap.js';
import { type Meta, transpilerVersion } from './transpile.js';

/** A component, ready to be instantiated. */
export interface Prepared {
  /** The sha256 of the component, as hex. */
  readonly digest: string;
  readonly imports: readonly string[];
  readonly exports: readonly string[];
  /** The body of a function that returns jco's `instantiate`. */
  readonly glue: string;
  /** A core module by its file name. The memories of all modules together cannot grow beyond `memory` bytes. */
  module(name: string, memory: number): WebAssembly.Module;
  /** Whether a module has memories or tables of its own, so that each instance has others. */
  hasMemory(module: WebAssembly.Module): boolean;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Where transpiled components are kept: `SQLITE_WASM_RUN_CACHE`, or the user's cache folder. */
export function cacheFolder(): string {
  return (
    process.env.SQLITE_WASM_RUN_CACHE ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sqlite-wasm-run')
  );
}

/**
 * Reads a transpiled folder. Undefined where it is not there or not whole: then it is made anew, for its
 * script is run.
 */
function readFolder(folder: string, digest: string): Prepared | undefined {
  let meta: Meta;
  try {
    meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8')) as Meta;
  } catch {
    return undefined; // absent or damaged: both are mended by making it
  }
  if (meta.transpiler !== transpilerVersion) return undefined;
  const files = new Map<string, Buffer>();
  for (const [name, wanted] of Object.entries(meta.files)) {
    if (name !== basename(name)) return undefined;
    try {
      const bytes = readFileSync(join(folder, name));
      if (sha256(bytes) !== wanted) return undefined;
      files.set(name, bytes);
    } catch {
      return undefined;
    }
  }
  const glue = files.get('glue.js');
  if (!glue) return undefined;
  const modules = new Map<string, WebAssembly.Module>();
  const wasm = [...files].filter(([name]) => name.endsWith('.wasm'));
  const parts = new Map(wasm.map(([name, bytes]) => [name, ownParts(bytes)]));
  const sum = (of: 'memories' | 'tables'): number =>
    Math.max(
      [...parts.values()].reduce((total, part) => total + part[of], 0),
      1,
    );
  const withMemory = new WeakSet<WebAssembly.Module>();
  return {
    hasMemory: (module) => withMemory.has(module),
    digest,
    imports: meta.imports,
    exports: meta.exports,
    glue: glue.toString('utf8'),
    module(name, memory) {
      const key = `${name}/${memory}`;
      let module = modules.get(key);
      if (!module) {
        const share = Math.floor(memory / sum('memories'));
        const entries = Math.floor(entriesFor(memory) / sum('tables'));
        const capped = capMemory(files.get(name) ?? new Uint8Array(), share, entries);
        module = new WebAssembly.Module(capped as Uint8Array<ArrayBuffer>);
        if (parts.get(name)?.memories || parts.get(name)?.tables) withMemory.add(module);
        modules.set(key, module);
      }
      return module;
    },
  };
}

/** Makes the cache folder, for its owner alone. Throws where it is somebody else's: its scripts are run. */
function privateFolder(): string {
  const folder = cacheFolder();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = statSync(folder);
  const own = process.getuid?.();
  if (own !== undefined && uid !== own) {
    throw new Error(
      `the cache folder ${folder} belongs to another user: set SQLITE_WASM_RUN_CACHE to one of yours`,
    );
  }
  if (own !== undefined && (mode & 0o077) !== 0) chmodSync(folder, 0o700);
  return folder;
}

const prepared = new Map<string, Prepared>();

/** Where the transpiled files of a component are that ships with us. */
function shippedFolder(digest: string): string {
  return ownFile(`extensions/${digest}`);
}

/** Whether this very component ships with us. */
export function isShipped(component: Uint8Array): boolean {
  return existsSync(shippedFolder(sha256(component)));
}

/**
 * The files of `component`, transpiled. Those of the components that ship with us are part of the package;
 * others are kept by content, and made in a process of their own the first time, which takes a second.
 *
 * @param path what the user named, for messages
 * @throws Error where the component cannot be transpiled
 */
export function prepare(component: Uint8Array, path: string): Prepared {
  const digest = sha256(component);
  const known =
    prepared.get(digest) ?? readFolder(shippedFolder(digest), digest) ?? fromCache(component, digest, path);
  prepared.set(digest, known);
  return known;
}

function fromCache(component: Uint8Array, digest: string, path: string): Prepared {
  const folder = join(privateFolder(), sha256(Buffer.from(`${digest}\n${transpilerVersion}`)));
  const kept = readFolder(folder, digest);
  if (kept) return kept;
  const notice = process.stderr.isTTY ? `preparing ${shown(path)}, once ...` : '';
  process.stderr.write(notice);
  const input = join(tmpdir(), `sqlite-wasm-run-${process.pid}-${digest.slice(0, 16)}.wasm`);
  writeFileSync(input, component, { mode: 0o600, flag: 'w' });
  try {
    const program = ownFile('loader/transpile-program.js');
    const { status, stderr, error } = spawnSync(process.execPath, [program, input, folder], {
      encoding: 'utf8',
    });
    if (error) throw error;
    if (status !== 0) throw new Error(`${path} cannot be linked: ${stderr.trim() || `status ${status}`}`);
  } finally {
    rmSync(input, { force: true });
    if (notice) process.stderr.write(`\r${' '.repeat(notice.length)}\r`);
  }
  const made = readFolder(folder, digest);
  if (!made) throw new Error(`${path} was prepared in ${folder}, but what is there is not whole`);
  return made;
}
