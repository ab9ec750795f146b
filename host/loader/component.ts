/** One instance of a component on one connection: linked, described, callable, and dead once it traps. */

import { compileFunction } from 'node:vm';
import { SqliteError } from '../core/errors.js';
import type { Connection } from '../db/engine.js';
import type { Functions as Metadata } from '../interfaces/generated/metadata.js';
import type { FunctionSpec, Functions as ScalarFunction } from '../interfaces/generated/scalar-function.js';
import type { WitError } from '../interfaces/guest.js';
import { contract, interfaceFor, parseInterface } from '../interfaces/index.js';
import { type Call, type CoreExports, directCall, wrappedCall } from './call.js';
import type { Prepared } from './prepared.js';

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, object>,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
) => Record<string, unknown>;

/** `direct`: between the memories, where the component fits it. `wrapped`: through jco, always. */
export type CallPath = 'direct' | 'wrapped';

export class Component {
  readonly name: string;
  readonly version: string;
  readonly functions: readonly FunctionSpec[];
  readonly #call: Call;
  #fault: string | undefined;

  /** @throws Error where it cannot be compiled on this Node, traps, or describes what SQLite cannot have */
  constructor(connection: Connection, prepared: Prepared, path: string, callPath: CallPath) {
    const cores: WebAssembly.Exports[] = [];
    const imports: Record<string, object> = {};
    for (const text of prepared.imports) {
      imports[text] = interfaceFor(parseInterface(text).name, connection, path);
    }
    let exported: Record<string, unknown>;
    try {
      exported = instantiator(prepared)(
        (name) => prepared.module(name),
        imports,
        (module, coreImports) => {
          const instance = new WebAssembly.Instance(module, coreImports);
          cores.push(instance.exports);
          return instance;
        },
      );
    } catch (error) {
      if (error instanceof WebAssembly.CompileError) {
        throw new Error(
          `${path} cannot be compiled by Node ${process.version}, so it needs a newer one: ${error.message}`,
        );
      }
      throw new Error(`${path} cannot be started: ${messageOf(error)}`);
    }
    const named = (name: string): { key: string; functions: unknown } => {
      const key = prepared.exports.find((text) => {
        const found = parseInterface(text);
        return found.package === contract.package && found.name === name;
      });
      return { key: key ?? '', functions: key === undefined ? undefined : exported[key] };
    };
    const scalar = named('scalar-function');
    const functions = scalar.functions as ScalarFunction;
    try {
      const { name, version } = (named('metadata').functions as Metadata).describe();
      this.name = name;
      this.version = version;
      this.functions = functions.describe();
    } catch (error) {
      throw new Error(`${path} failed while it described itself: ${messageOf(error)}`);
    }
    const core = callPath === 'direct' ? coreExports(cores, scalar.key) : undefined;
    this.#call = core
      ? directCall(connection.engine, core)
      : wrappedCall(connection.engine.core, functions, payloadOf);
  }

  /** Calls one of its functions. @throws SqliteError where the component traps now, or did before. */
  call(spec: FunctionSpec, context: number, count: number, values: number): void {
    if (this.#fault !== undefined) {
      throw new SqliteError(
        `${spec.name}: component ${this.name} is not usable any more, since ${this.#fault}; load it again`,
        1,
        'SQL logic error',
      );
    }
    try {
      this.#call(spec.id, context, count, values);
    } catch (error) {
      this.#fault = `${spec.name}() failed with "${messageOf(error)}"`;
      throw new SqliteError(
        `${spec.name}: component ${this.name} trapped: ${messageOf(error)}`,
        1,
        'SQL logic error',
      );
    }
  }

  /** Whether it can still be called. */
  get alive(): boolean {
    return this.#fault === undefined;
  }
}

const compiled = new Map<string, Instantiate>();

/** The glue's `instantiate`, compiled once a process. */
function instantiator(prepared: Prepared): Instantiate {
  let instantiate = compiled.get(prepared.digest);
  if (!instantiate) {
    const glue = compileFunction(prepared.glue, [], {
      filename: `component-${prepared.digest.slice(0, 12)}.js`,
    });
    instantiate = glue() as Instantiate;
    compiled.set(prepared.digest, instantiate);
  }
  return instantiate;
}

/** The one core instance that has the interface and its own memory. Undefined where it is not that simple. */
function coreExports(cores: readonly WebAssembly.Exports[], key: string): CoreExports | undefined {
  const name = `${key}#call`;
  const fitting = cores.filter((core) => core[name] && core.memory && core.cabi_realloc);
  const core = fitting[0];
  if (!core || fitting.length > 1) return undefined;
  return {
    memory: core.memory as WebAssembly.Memory,
    realloc: core.cabi_realloc as CoreExports['realloc'],
    call: core[name] as CoreExports['call'],
    post: (core[`cabi_post_${name}`] ?? (() => undefined)) as CoreExports['post'],
  };
}

/** The error case of a result as jco throws it; a fault is thrown on. */
function payloadOf(error: unknown): WitError {
  const payload = Object.hasOwn(Object(error), 'payload') ? (error as { payload: unknown }).payload : error;
  if (
    payload instanceof Error ||
    typeof payload !== 'object' ||
    payload === null ||
    !('extendedCode' in payload)
  ) {
    throw error;
  }
  return payload as WitError;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
