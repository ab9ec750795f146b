/** `.load` and `load_extension`: from a path to SQL functions. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SQLITE_DETERMINISTIC, SQLITE_DIRECTONLY, SQLITE_INNOCUOUS } from '../core/constants.js';
import type { Extensions, Library } from '../core/host.js';
import type { Connection, Engine } from '../db/engine.js';
import type { FunctionSpec } from '../interfaces/generated/scalar-function.js';
import { interfacesOf, kindOf } from './binary.js';
import { type CallPath, Component } from './component.js';
import { checkComponent } from './policy.js';
import { prepare } from './prepared.js';

export interface LoaderOptions {
  /** How functions are called; else SQLITE_WASM_RUN_CALLS=wrapped says, which is for measuring and tests. */
  readonly calls?: CallPath;
}

/** Serves an engine's `.load`. */
export function extensionLoader(engine: Engine, options: LoaderOptions = {}): Extensions {
  return {
    open(path): Library {
      const file = locate(path);
      const bytes = readFileSync(file);
      check(path, bytes);
      const prepared = prepare(bytes, path);
      return {
        link(db) {
          const asked = process.env.SQLITE_WASM_RUN_CALLS === 'wrapped' ? 'wrapped' : 'direct';
          const calls = options.calls ?? asked;
          const connection = engine.connection(db);
          register(connection, new Component(connection, prepared, path, calls));
        },
      };
    },
  };
}

/** The folder of the components that ship with the package. */
const shipped = fileURLToPath(new URL('../../extensions/', import.meta.url));

function shippedNames(): string[] {
  return readdirSync(shipped)
    .filter((name) => name.endsWith('.wasm'))
    .map((name) => name.replace('.wasm', ''));
}

/**
 * The file that `path` names. A path that is not there and whose last part is one of ours means that one, so
 * that `.load session` and `.load extensions/session.wasm` work in any folder.
 */
function locate(path: string): string {
  if (existsSync(path)) {
    if (statSync(path).isDirectory()) throw new Error(`${path} is a folder: name a component's .wasm file`);
    return path;
  }
  const own = join(shipped, `${basename(path, '.wasm')}.wasm`);
  const asked = dirname(path);
  if ((asked === '.' || basename(asked) === 'extensions') && existsSync(own)) return own;
  const names = shippedNames().join(', ');
  throw new Error(`no such file: ${path} (a component's .wasm file, or one that ships with us: ${names})`);
}

function check(path: string, bytes: Uint8Array): void {
  const kind = kindOf(bytes);
  if (kind === 'neither')
    throw new Error(`${path} is not WebAssembly: extensions are components, not libraries`);
  if (kind === 'core module') {
    throw new Error(`${path} is a core module, not a component: wrap it, for example with jco new`);
  }
  let interfaces: { imports: string[]; exports: string[] };
  try {
    interfaces = interfacesOf(bytes);
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  checkComponent(path, interfaces.imports, interfaces.exports);
}

/** One SQL function of a connection, and the component that answers it now. */
interface Slot {
  component: Component;
  spec: FunctionSpec;
}

const slots = new WeakMap<Connection, Map<string, Slot>>();

/**
 * Registers the functions; none where a description is refused. A function that is there already as it should
 * be is handed to the new instance in place, since SQLite lets none be replaced while a statement runs, which
 * `SELECT load_extension(...)` is.
 */
function register(connection: Connection, component: Component): void {
  for (const spec of component.functions) checkSpec(component, spec);
  const { engine, db } = connection;
  const known = slots.get(connection) ?? new Map<string, Slot>();
  slots.set(connection, known);
  for (const spec of component.functions) {
    const key = `${spec.name.toLowerCase()}/${spec.numArgs}/${flagsOf(spec)}`;
    const there = known.get(key);
    if (there) {
      there.component = component;
      there.spec = spec;
      continue;
    }
    const slot: Slot = { component, spec };
    const id = engine.register({
      call: (context, count, values) => slot.component.call(slot.spec, context, count, values),
      destroyed() {
        if (known.get(key) === slot) known.delete(key);
      },
    });
    known.set(key, slot);
    using arena = engine.core.memory.arena();
    const name = arena.cString(spec.name);
    engine.check(db, engine.core.c.bridge_create_function(db, name, spec.numArgs, flagsOf(spec), id));
  }
}

function checkSpec(component: Component, spec: FunctionSpec): void {
  const length = Buffer.byteLength(spec.name);
  const where = `component ${component.name} describes function ${JSON.stringify(spec.name)}`;
  if (length < 1 || length > 255)
    throw new Error(`${where} with a name of ${length} bytes: 1 to 255 are allowed`);
  if (spec.name.includes('\0')) throw new Error(`${where} with a name that contains U+0000`);
  if (spec.numArgs < -1 || spec.numArgs > 1000) {
    throw new Error(`${where} with ${spec.numArgs} arguments: -1 to 1000 are allowed`);
  }
}

function flagsOf({ options }: FunctionSpec): number {
  return (
    (options.deterministic ? SQLITE_DETERMINISTIC : 0) |
    (options.directOnly ? SQLITE_DIRECTONLY : 0) |
    (options.innocuous ? SQLITE_INNOCUOUS : 0)
  );
}
