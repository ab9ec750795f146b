/** Finds the transpiled files of a component in the package or the cache, or transpiles the component. */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { shown } from '../core/shown.js';
import { childProcess, crypto } from '../node/builtins.js';
import { findEntry } from '../node/cache-entry.js';
import { privateFolder } from '../node/cache-folder.js';
import { ownFile } from '../node/package.js';
import { transpilerVersion, unpack } from './packed.js';
import { type Prepared, preparedFrom } from './prepared.js';

/** A component of this package. Its packed files are in `dist/extensions/NAME.packed`. */
export interface Shipped {
  readonly name: string;
  /** The size of the component in bytes, and its SHA-256 digest in hex. */
  readonly size: number;
  readonly sha256: string;
}

/** The components of this package, as `dist/extensions/shipped.json` lists them; none if it was not built. */
let shipped: readonly Shipped[] | undefined;

function allShipped(): readonly Shipped[] {
  try {
    return JSON.parse(readFileSync(ownFile('extensions/shipped.json'), 'utf8')) as Shipped[];
  } catch {
    return [];
  }
}

/** The component of this package that each component read so far is equal to. */
const recognized = new WeakMap<Uint8Array, Shipped | 'none'>();

function shippedAs(component: Uint8Array): Shipped | undefined {
  shipped ??= allShipped();
  const found = recognized.get(component) ?? shipped.find((one) => isThis(component, one)) ?? 'none';
  recognized.set(component, found);
  return found === 'none' ? undefined : found;
}

/** Whether a component is this one. Compares bytes, because loading Node's crypto takes longer. */
function isThis(component: Uint8Array, { name, size, sha256 }: Shipped): boolean {
  if (size !== component.length) return false;
  let own: Buffer;
  try {
    own = readFileSync(ownFile(`../extensions/${name}.wasm`));
  } catch {
    // The components are not installed with the program.
    return crypto().createHash('sha256').update(component).digest('hex') === sha256;
  }
  return own.equals(component);
}

/** Whether the package includes a component with exactly these bytes. */
export function isShipped(component: Uint8Array): boolean {
  return shippedAs(component) !== undefined;
}

/** What this process has prepared. */
const known: { readonly component: Uint8Array; readonly prepared: Prepared }[] = [];

/** Returns what {@link prepare} returns, or undefined if the component must be transpiled first. */
export function prepared(component: Uint8Array): Prepared | undefined {
  const same = known.find((one) => Buffer.compare(one.component, component) === 0);
  if (same) return same.prepared;
  const found = fromPackage(component) ?? fromCache(component);
  if (found) known.push({ component, prepared: found });
  return found;
}

/**
 * Returns the transpiled files of `component`, the same object for the same bytes. The package contains the files of its
 * own components. Other components are transpiled in a separate process, which takes about a second, and are cached.
 *
 * @param component its bytes, which must not change afterwards
 * @param path the path that the user gave, for error messages
 * @param patience the maximum time to transpile the component, in ms
 * @throws Error if the component cannot be transpiled
 */
export function prepare(component: Uint8Array, path: string, patience = 60_000): Prepared {
  const ready = prepared(component);
  if (ready) return ready;
  const made = fromTranspiler(component, path, patience);
  known.push({ component, prepared: made });
  return made;
}

function fromPackage(component: Uint8Array): Prepared | undefined {
  const own = shippedAs(component);
  if (!own) return undefined;
  const packed = readFileSync(ownFile(`extensions/${own.name}.packed`));
  return preparedFrom(own.name, unpack(packed, component));
}

/** The entry of the cache for a component. */
function entryOf(component: Uint8Array): ReturnType<typeof findEntry> {
  return findEntry(privateFolder(), transpilerVersion.replace('/', '-'), component);
}

function fromCache(component: Uint8Array): Prepared | undefined {
  try {
    const { file, made } = entryOf(component);
    return made && preparedFrom(basename(file), unpack(made, component));
  } catch {
    return undefined; // the folder cannot be used: reported only if the component must be transpiled
  }
}

function fromTranspiler(component: Uint8Array, path: string, patience: number): Prepared {
  const { file } = entryOf(component);
  const notice = process.stderr.isTTY ? `preparing ${shown(path)} (only once) ...` : '';
  process.stderr.write(notice);
  try {
    // Another process may already have replaced the entry by that of another component.
    return preparedFrom(basename(file), unpack(runTranspiler(component, file, path, patience), component));
  } finally {
    if (notice) process.stderr.write(`\r${' '.repeat(notice.length)}\r`);
  }
}

/** The heap limit of the transpiler process in MiB. The build limits the memory of the transpiler's WebAssembly. */
const transpilerHeap = 2048;

/** Writes the entry of a component to `file`, and returns what was made. */
function runTranspiler(component: Uint8Array, file: string, path: string, patience: number): Buffer {
  const { status, signal, stdout, stderr, error } = childProcess().spawnSync(
    process.execPath,
    [`--max-old-space-size=${transpilerHeap}`, ownFile('loader/transpile-program.js'), file],
    { input: component, maxBuffer: Number.POSITIVE_INFINITY, timeout: patience, killSignal: 'SIGKILL' },
  );
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT') {
    throw new Error(`${path} could not be prepared within ${patience / 1000} seconds`);
  }
  if (error) throw error;
  if (status === 0) return stdout;
  const why = signal ? `the transpiler ended with ${signal}` : stderr.toString().trim() || `status ${status}`;
  throw new Error(`cannot link ${path}: ${why}`);
}
