/** Finds the transpiled files of a component in the package or the cache, or transpiles the component. */

import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { shown } from '../core/shown.js';
import { childProcess, crypto } from '../node/builtins.js';
import { ownFile } from '../node/package.js';
import { privateFolder } from './cache-folder.js';
import { type Prepared, preparedFrom } from './prepared.js';
import { type Meta, type Shipped, transpilerVersion } from './transpile.js';

function sha256(bytes: Uint8Array): string {
  return crypto().createHash('sha256').update(bytes).digest('hex');
}

/** The digests of the components read so far. */
const digests = new WeakMap<Uint8Array, string>();

/**
 * Returns the digest of a component. For a component of this package it was calculated at build time: comparing bytes is
 * faster than loading Node's crypto.
 */
function digestOf(component: Uint8Array): string {
  const digest = digests.get(component) ?? shippedDigest(component) ?? sha256(component);
  digests.set(component, digest);
  return digest;
}

function shippedDigest(component: Uint8Array): string | undefined {
  try {
    const shipped = JSON.parse(readFileSync(ownFile('extensions/shipped.json'), 'utf8')) as Shipped;
    return shipped.find(
      ({ file, size }) =>
        size === component.length && readFileSync(ownFile(`../extensions/${file}`)).equals(component),
    )?.sha256;
  } catch {
    return undefined; // the components are not installed with the program
  }
}

/**
 * Reads a folder of transpiled files. Returns undefined if the folder is absent, incomplete or damaged.
 *
 * @param isOwn whether the folder belongs to this package. Otherwise all digests are checked, because the script in the
 *   folder will be run
 */
function readFolder(folder: string, digest: string, isOwn: boolean): Prepared | undefined {
  let meta: Meta;
  try {
    meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8')) as Meta;
  } catch {
    return undefined; // absent or damaged
  }
  if (meta.transpiler !== transpilerVersion) return undefined;
  const files = new Map<string, Buffer>();
  for (const [name, wanted] of Object.entries(meta.files)) {
    if (name !== basename(name)) return undefined;
    try {
      const bytes = readFileSync(join(folder, name));
      if (!isOwn && sha256(bytes) !== wanted) return undefined;
      files.set(name, bytes);
    } catch {
      return undefined;
    }
  }
  if (!files.has('glue.js')) return undefined;
  return preparedFrom(digest, files, meta);
}

const prepared = new Map<string, Prepared>();

/** The folder for the transpiled files of a component that the package includes. */
function shippedFolder(digest: string): string {
  return ownFile(`extensions/${digest}`);
}

/** Whether the package includes a component with exactly these bytes. */
export function isShipped(component: Uint8Array): boolean {
  return existsSync(shippedFolder(digestOf(component)));
}

/**
 * Returns the transpiled files of `component`. The package contains the files of its own components. Other components
 * are transpiled in a separate process, which takes about a second, and are cached by their digest.
 *
 * @param path the path that the user gave, for error messages
 * @param patience the maximum time to transpile the component, in ms
 * @throws Error if the component cannot be transpiled
 */
export function prepare(component: Uint8Array, path: string, patience = 60_000): Prepared {
  const digest = digestOf(component);
  const known =
    prepared.get(digest) ??
    readFolder(shippedFolder(digest), digest, true) ??
    fromCache(component, digest, path, patience);
  prepared.set(digest, known);
  return known;
}

function fromCache(component: Uint8Array, digest: string, path: string, patience: number): Prepared {
  const folder = join(privateFolder(), sha256(Buffer.from(`${digest}\n${transpilerVersion}`)));
  const kept = readFolder(folder, digest, false);
  if (kept) return kept;
  const notice = process.stderr.isTTY ? `preparing ${shown(path)} (only once) ...` : '';
  process.stderr.write(notice);
  try {
    runTranspiler(component, folder, path, patience);
  } finally {
    if (notice) process.stderr.write(`\r${' '.repeat(notice.length)}\r`);
  }
  const made = readFolder(folder, digest, false);
  if (!made) throw new Error(`${path} was prepared in ${folder}, but the result there is incomplete`);
  return made;
}

/** The heap limit of the transpiler process in MiB. The build limits the memory of the transpiler's WebAssembly. */
const transpilerHeap = 2048;

function runTranspiler(component: Uint8Array, folder: string, path: string, patience: number): void {
  const { status, signal, stderr, error } = childProcess().spawnSync(
    process.execPath,
    [`--max-old-space-size=${transpilerHeap}`, ownFile('loader/transpile-program.js'), folder],
    { input: component, encoding: 'utf8', timeout: patience, killSignal: 'SIGKILL' },
  );
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT') {
    throw new Error(`${path} could not be prepared within ${patience / 1000} seconds`);
  }
  if (error) throw error;
  if (status === 0) return;
  const why = signal ? `the transpiler ended with ${signal}` : stderr.trim() || `status ${status}`;
  throw new Error(`cannot link ${path}: ${why}`);
}
