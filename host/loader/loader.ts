/** `.load` and `load_extension`: from a path to SQL functions. */

import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Extensions, Library } from '../core/host.js';
import { ownFile } from '../core/package.js';
import type { Connection, Engine } from '../db/engine.js';
import type { CheckedGrants } from '../db/grants.js';
import { registerAggregates } from './aggregates.js';
import { type Interfaces, interfacesOf, kindOf } from './binary.js';
import { registerCollations } from './collations.js';
import { type CallPath, Component } from './component.js';
import { checkComponent, checkNeeds } from './policy.js';
import { isShipped, prepare } from './prepared.js';
import { registerScalars } from './scalars.js';
import { registerTables } from './tables.js';
import { registerAuthorizer, registerHooks } from './watchers.js';

export interface LoaderOptions {
  /** How functions are called; else SQLITE_WASM_RUN_CALLS=wrapped says, which is for measuring and tests. */
  readonly calls?: CallPath;
}

/** What a component can bring. Each registers what the component exports of it, and nothing where it does not. */
const capabilities: readonly ((component: Component, path: string) => void)[] = [
  registerScalars,
  registerAggregates,
  registerTables,
  registerCollations,
  registerAuthorizer,
  registerHooks,
];

/** Serves an engine's `.load`. */
export function extensionLoader(engine: Engine, options: LoaderOptions = {}): Extensions {
  return {
    open(path): Library {
      const file = locate(path);
      const bytes = readFileSync(file);
      const { imports, composed } = check(path, bytes);
      // A connection of the API has grants of its own, which are known when its address is: in link.
      const known = engine.loading ?? engine.grants;
      const isOurs = isShipped(bytes);
      const allow = (grants: CheckedGrants): CheckedGrants => {
        if (isOurs) return { ...grants, sql: 'rw', sessions: true };
        checkNeeds(path, imports, bytes, grants);
        return grants;
      };
      const allowed = known && allow(known);
      const early = allowed && prepare(bytes, path);
      return {
        link(db) {
          const asked = composed || process.env.SQLITE_WASM_RUN_CALLS === 'wrapped' ? 'wrapped' : 'direct';
          const calls = options.calls ?? asked;
          const connection = engine.connection(db);
          const grants = allowed ?? allow(connection.grants);
          const prepared = early ?? prepare(bytes, path);
          const { owners } = connection;
          const owner = isOurs ? owners.user : owners.add(grants);
          try {
            const component = new Component(connection, prepared, path, calls, grants, owner);
            for (const register of capabilities) register(component, path);
            replaces(component, realpathSync(file), prepared.digest);
          } catch (error) {
            owners.end(owner);
            throw error;
          }
        },
      };
    },
  };
}

/** The component that each file and each content was last loaded as. */
const loaded = new WeakMap<Connection, Map<string, Component>>();

/** Ends the instance that came from the same file, or is of the same content: this one is in its place. */
function replaces(component: Component, file: string, digest: string): void {
  const all = loaded.get(component.connection) ?? new Map<string, Component>();
  loaded.set(component.connection, all);
  for (const key of [file, digest]) {
    all.get(key)?.end();
    all.set(key, component);
  }
}

/** The folder of the components that ship with the package. */
const shipped = (): string => ownFile('../extensions');

function shippedNames(): string[] {
  return readdirSync(shipped())
    .filter((name) => name.endsWith('.wasm'))
    .map((name) => name.replace('.wasm', ''));
}

/**
 * The file that `path` names. A path that is not there and whose last part is one of ours means that one, so
 * that `.load session` and `.load extensions/session.wasm` work in any folder.
 */
export function locate(path: string): string {
  if (existsSync(path)) {
    if (statSync(path).isDirectory()) throw new Error(`${path} is a folder: name a component's .wasm file`);
    return path;
  }
  const own = join(shipped(), `${basename(path, '.wasm')}.wasm`);
  const asked = dirname(path);
  if ((asked === '.' || basename(asked) === 'extensions') && existsSync(own)) return own;
  const names = shippedNames().join(', ');
  throw new Error(`no such file: ${path} (a component's .wasm file, or one that ships with us: ${names})`);
}

/** @throws Error where the file is no component of ours */
export function check(path: string, bytes: Uint8Array): Interfaces {
  const kind = kindOf(bytes);
  if (kind === 'neither')
    throw new Error(`${path} is not WebAssembly: extensions are components, not libraries`);
  if (kind === 'core module') {
    throw new Error(`${path} is a core module, not a component: wrap it, for example with jco new`);
  }
  let interfaces: Interfaces;
  try {
    interfaces = interfacesOf(bytes);
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  checkComponent(path, interfaces.imports, interfaces.exports, bytes);
  return interfaces;
}
