/** Implements `.load` and `load_extension`: loads the component at a path and registers what it provides. */

import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Extensions, Library } from '../core/host-services.js';
import { shown } from '../core/shown.js';
import { writeMarked } from '../interfaces/marked.js';
import { connectionAt } from '../kernel/connection.js';
import type { Engine } from '../kernel/engine.js';
import type { CheckedGrants } from '../kernel/grants.js';
import { ownersOf } from '../kernel/owner.js';
import { ownFile } from '../node/package.js';
import { checkComponent, checkNeeds, refuseReplacing } from './admission.js';
import { bringAggregates } from './aggregates.js';
import { type Interfaces, interfacesOf, kindOf, notWebAssembly } from './binary.js';
import { bringCollations } from './collations.js';
import { type CallPath, Component, callPaths, messageOf } from './component.js';
import { keepCode } from './glue.js';
import type { Prepared } from './prepared.js';
import { type Brought, brought, replacements } from './replacements.js';
import { bringScalars } from './scalars.js';
import { bringTables } from './tables.js';
import { isShipped, prepare, prepared } from './transpiled-files.js';
import { bringAuthorizer, bringHooks } from './watchers.js';

export interface LoaderOptions {
  /**
   * How to call components. By default `direct`, unless SQLITE_WASM_RUN_CALLS in the environment is `linked` or
   * `wrapped`, for benchmarks and tests.
   */
  readonly calls?: CallPath;
  /** The maximum time to prepare a component, in ms; a minute by default. */
  readonly patience?: number | undefined;
  /** Called when a component was loaded. `isNew` says that no process on this machine kept V8's code for it before. */
  readonly loaded?: (isNew: boolean) => void;
}

/** The functions that read what a component provides, one for each kind. */
export const capabilities: readonly ((component: Component, path: string) => Brought | undefined)[] = [
  bringScalars,
  bringAggregates,
  bringTables,
  bringCollations,
  bringAuthorizer,
  bringHooks,
];

export function extensionLoader(engine: Engine, options: LoaderOptions = {}): Extensions {
  return { open: (path) => said(() => open(engine, path, options)) };
}

/** Runs `action`, and escapes control characters in its errors, because these can contain text of the component. */
function said<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new Error(shown(messageOf(error)));
  }
}

function open(engine: Engine, path: string, options: LoaderOptions): Library {
  const file = locate(path);
  const bytes = readFileSync(file);
  const shipped = isShipped(bytes);
  const ready = kindOf(bytes) === 'component' ? prepared(bytes) : undefined;
  const { imports, composed } = shipped && ready ? ready : check(path, bytes, ready);
  // A connection of the API has its own grants, which are known in `link`, once the connection's address is known.
  const known = engine.loading ?? engine.grants;
  const allow = (grants: CheckedGrants): CheckedGrants => {
    if (shipped) return { ...grants, sql: 'rw', sessions: true, replace: true };
    checkNeeds(path, imports, bytes, grants);
    return grants;
  };
  const allowed = known && allow(known);
  const early = allowed && prepare(bytes, path, options.patience);
  const link = (db: number): void => {
    const asked = composed ? 'wrapped' : callPaths.find((path) => path === process.env.SQLITE_WASM_RUN_CALLS);
    const connection = connectionAt(engine, db);
    const grants = allowed ?? allow(connection.grants);
    const made = early ?? prepare(bytes, path, options.patience);
    const owners = ownersOf(connection);
    const owner = shipped ? owners.user : owners.add(grants);
    try {
      const component = new Component(
        connection,
        made,
        path,
        options.calls ?? asked ?? 'direct',
        grants,
        owner,
      );
      const source = { file: realpathSync(file), prepared: made };
      const isTold = engine.isShell && !shipped;
      bring(component, path, source, grants.replace, isTold);
      options.loaded?.(keepCode(made));
    } catch (error) {
      owners.end(owner);
      throw error;
    }
  };
  return { link: (db) => said(() => link(db)) };
}

/** The file of a component, and what was prepared from it. Components with the same bytes have the same `prepared`. */
interface Source {
  readonly file: string;
  readonly prepared: Prepared;
}

const sources = new WeakMap<Component, Source>();
/** The last component that was loaded from each file. */
const loaded = (): Map<string, Component> => new Map();

/**
 * Registers what a component provides. Replaces what the same component registered when it was loaded before.
 *
 * @param mayReplace whether it may replace functions, collations and tables of others
 * @param isTold whether to report replacements
 */
function bring(
  component: Component,
  path: string,
  source: Source,
  mayReplace: boolean,
  isTold: boolean,
): void {
  const { connection } = component;
  const all = capabilities.flatMap((capability) => capability(component, path) ?? []);
  const names = all.flatMap((one) => one.names);
  const isSame = (bringer: Component): boolean => {
    const known = sources.get(bringer);
    return known?.file === source.file || known?.prepared === source.prepared;
  };
  if (!mayReplace || isTold) {
    const replaced = replacements(connection, names, isSame);
    if (!mayReplace) refuseReplacing(path, replaced);
    else for (const what of replaced) writeMarked(path, `replaces ${what}`);
  }
  for (const { register } of all) register();
  brought(component, names);
  sources.set(component, source);
  const files = connection.part(loaded);
  files.get(source.file)?.end();
  files.set(source.file, component);
}

/** The folder of the components that the package includes. */
const shipped = (): string => ownFile('../extensions');

function shippedNames(): string[] {
  return readdirSync(shipped())
    .filter((name) => name.endsWith('.wasm'))
    .map((name) => name.replace('.wasm', ''));
}

/**
 * Finds the file of a component. If `path` does not exist, but its last part is the name of an included component,
 * returns that component, so that `.load session` and `.load extensions/session.wasm` work in any folder.
 */
export function locate(path: string): string {
  if (existsSync(path)) {
    if (statSync(path).isDirectory())
      throw new Error(`${path} is a folder: pass the path of a component's .wasm file`);
    return path;
  }
  const own = join(shipped(), `${basename(path, '.wasm')}.wasm`);
  const asked = dirname(path);
  if ((asked === '.' || basename(asked) === 'extensions') && existsSync(own)) return own;
  const names = shippedNames().join(', ');
  throw new Error(
    `no such file: ${path} (expected a component's .wasm file, or an included component: ${names})`,
  );
}

/**
 * Returns the interfaces of a component, and checks that it is an extension.
 *
 * @param known the interfaces if they were read before
 * @throws Error if the file is not a component, is malformed, or is not an extension
 */
export function check(path: string, bytes: Uint8Array, known?: Interfaces): Interfaces {
  const kind = kindOf(bytes);
  if (kind === 'neither') throw notWebAssembly(path, bytes);
  if (kind === 'core module') {
    throw new Error(`${path} is a core module, not a component: convert it, for example with jco new`);
  }
  let interfaces: Interfaces;
  try {
    interfaces = known ?? interfacesOf(bytes);
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  checkComponent(path, interfaces.imports, interfaces.exports, bytes);
  return interfaces;
}
