/** One instance of a component on one connection: linked, described, callable, and dead once it traps. */

import { compileFunction } from 'node:vm';
import type { Functions as Metadata } from '../abi/generated/metadata.js';
import { Guest, type GuestOptions, TooLarge } from '../abi/guest.js';
import type { WitError } from '../abi/results.js';
import { SQLITE_ERROR } from '../core/constants.js';
import { type SqliteError, sqliteError } from '../core/errors.js';
import { shown, shownName } from '../core/shown.js';
import { contract } from '../interfaces/contract.js';
import { interfaceFor, parseInterface } from '../interfaces/index.js';
import { wasiFor } from '../interfaces/wasi.js';
import type { Connection } from '../kernel/connection.js';
import { type CheckedGrants, noGrants } from '../kernel/grants.js';
import { type Owner, ownersOf } from '../kernel/owner.js';
import type { Prepared } from './prepared.js';

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, object>,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
) => Record<string, unknown>;

/** `direct`: between the memories, if the component fits. `wrapped`: always through jco. */
export type CallPath = 'direct' | 'wrapped';

/** The core functions of one exported interface, for calls without jco's wrappers. */
export interface CoreInterface {
  readonly guest: Guest;
  /** The core function `name` of the interface, as the canonical ABI flattens it. */
  function(name: string): (...flat: never[]) => number;
  /** Frees the result of `name` that lies at an address. */
  post(name: string): (result: number) => void;
}

export class Component {
  readonly name: string;
  readonly version: string;
  readonly connection: Connection;
  /** Its memory limit, in bytes. */
  readonly memory: number;
  readonly #exported: Record<string, unknown>;
  readonly #keys: readonly string[];
  readonly #cores: readonly WebAssembly.Exports[];
  readonly #callPath: CallPath;
  readonly #owner: Owner;
  /** Why it is dead. */
  #fault: string | undefined;
  /** What {@link enter} threw last. */
  #refusal: SqliteError | undefined;

  /** @throws Error if it cannot be compiled on this Node, or traps while it starts or describes itself */
  constructor(
    connection: Connection,
    prepared: Prepared,
    path: string,
    callPath: CallPath,
    grants: CheckedGrants = noGrants,
    owner: Owner = ownersOf(connection).add(grants),
  ) {
    const cores: WebAssembly.Exports[] = [];
    const instantiated = new Set<WebAssembly.Module>();
    const isWasi = (text: string): boolean => text.startsWith('wasi:');
    const wasi = prepared.imports.filter(isWasi);
    const client = { name: path, owner, grants, memory: grants.memory };
    const imports = wasi.length > 0 ? wasiFor(wasi, client) : {};
    for (const text of prepared.imports.filter((name) => !isWasi(name))) {
      imports[text] = interfaceFor(parseInterface(text).name, client);
    }
    this.connection = connection;
    this.#owner = owner;
    this.#cores = cores;
    this.#callPath = callPath;
    this.memory = grants.memory;
    this.#keys = prepared.exports;
    try {
      this.#exported = instantiator(prepared)(
        (name) => prepared.module(name, grants.memory),
        imports,
        (module, coreImports) => {
          // Its memory limit is divided among its modules, so each can be instantiated only once.
          if (instantiated.has(module) && prepared.hasMemory(module)) {
            throw new Error('it instantiates a core module with its own memory more than once');
          }
          instantiated.add(module);
          const instance = new WebAssembly.Instance(module, coreImports);
          cores.push(instance.exports);
          return instance;
        },
      );
    } catch (error) {
      if (error instanceof WebAssembly.CompileError) {
        // Components with an interpreter compute addresses in constant expressions.
        const newer = error.message.includes('constant expression') ? 'Node 22 or later' : 'a newer one';
        throw new Error(
          `Node ${process.version} cannot compile ${path}, which needs ${newer}: ${error.message}`,
        );
      }
      throw new Error(`cannot start ${path}: ${messageOf(error)}`);
    }
    const { name, version } = this.described(path, () => this.#metadata().describe());
    this.name = name;
    this.version = version;
  }

  /** Runs a `describe` of the component. @throws Error that names `path` if it fails */
  described<T>(path: string, describe: () => T): T {
    try {
      return describe();
    } catch (error) {
      throw new Error(`${path} failed to describe itself: ${messageOf(error)}`);
    }
  }

  /** An interface of the contract that it exports, behind jco's wrappers; undefined if it does not export it. */
  interface<T>(name: string): T | undefined {
    const key = this.#key(name);
    return key === undefined ? undefined : (this.#exported[key] as T);
  }

  /** The same interface without wrappers; undefined if the component does not fit, or wrappers were requested. */
  core(name: string): CoreInterface | undefined {
    const key = this.#key(name);
    return key === undefined || this.#callPath === 'wrapped'
      ? undefined
      : coreInterface(this.#cores, key, this.memory);
  }

  /**
   * Runs `action`, which calls the component on behalf of `what`, the SQL name of a function or table.
   *
   * @throws SqliteError if the component traps now, or did before. Its own errors are not traps: `action`
   *   handles them
   */
  guard<T>(what: string, action: () => T): T {
    try {
      this.enter(what);
      return action();
    } catch (error) {
      throw this.failed(what, error);
    }
  }

  /** The first half of {@link guard}, for calls too frequent for a closure each: throws if it trapped before. */
  enter(what: string): void {
    if (this.#fault === undefined) return;
    this.#refusal = sqliteError(
      SQLITE_ERROR,
      `${shownName(what)}: component ${shownName(this.name)} is no longer usable, because ${this.#fault}; load it again`,
    );
    throw this.#refusal;
  }

  /**
   * The other half: converts a caught error. The component is dead now, unless the error is from {@link enter}, or the
   * component was not called because its arguments are too large.
   */
  failed(what: string, error: unknown): SqliteError {
    if (this.#refusal && error === this.#refusal) return this.#refusal;
    if (error instanceof TooLarge) {
      return sqliteError(error.errcode, `${shownName(what)}: ${error.message}`);
    }
    this.#fault = `${shownName(what)} failed with "${shown(messageOf(error))}"`;
    this.end();
    return sqliteError(
      SQLITE_ERROR,
      `${shownName(what)}: component ${shownName(this.name)} trapped: ${shown(messageOf(error))}`,
    );
  }

  /** The instance is over, because it trapped or another took its place: its resources end with it. */
  end(): void {
    ownersOf(this.connection).end(this.#owner);
  }

  /** Why it can no longer be called; undefined while it can. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Whether it can still be called. */
  get alive(): boolean {
    return this.#fault === undefined;
  }

  #metadata(): Metadata {
    return this.interface<Metadata>('metadata') as Metadata; // checkComponent checked that
  }

  #key(name: string): string | undefined {
    return this.#keys.find((text) => {
      const found = parseInterface(text);
      return found.package === contract.package && found.name === name;
    });
  }
}

const compiled = new Map<string, Instantiate>();

/**
 * The globals that glue sees. It makes an asynchronous form of every function, which nobody calls here: if
 * WebAssembly has no `promising`, each costs an error with a stack, a millisecond; otherwise a wrapper. It also checks
 * the environment many times per call whether to log, which it does not without a `process`.
 */
const seen = {
  WebAssembly: Object.create(WebAssembly, { promising: { value: <T>(found: T): T => found } }) as object,
};

/** The glue's `instantiate`, compiled once a process. */
function instantiator(prepared: Prepared): Instantiate {
  let instantiate = compiled.get(prepared.digest);
  if (!instantiate) {
    const glue = compileFunction(prepared.glue, ['globalThis', 'WebAssembly'], {
      filename: `component-${prepared.digest.slice(0, 12)}.js`,
    });
    instantiate = glue(seen, seen.WebAssembly) as Instantiate;
    compiled.set(prepared.digest, instantiate);
  }
  return instantiate;
}

/** The one core instance that has the interface and its own memory. Undefined if it is not that simple. */
function coreInterface(
  cores: readonly WebAssembly.Exports[],
  key: string,
  most: number,
): CoreInterface | undefined {
  const fitting = cores.filter(
    (core) =>
      Object.keys(core).some((name) => name.startsWith(`${key}#`)) && core.memory && core.cabi_realloc,
  );
  const core = fitting[0];
  if (!core || fitting.length > 1) return undefined;
  const options: GuestOptions = {
    memory: core.memory as WebAssembly.Memory,
    realloc: core.cabi_realloc as GuestOptions['realloc'],
  };
  const guest = new Guest(options, most);
  return {
    guest,
    function(name) {
      const found = core[`${key}#${name}`];
      if (typeof found !== 'function') throw new Error(`the component's core has no ${key}#${name}`);
      return found as ReturnType<CoreInterface['function']>;
    },
    post: (name) => (core[`cabi_post_${key}#${name}`] ?? (() => undefined)) as (result: number) => void,
  };
}

/** The component's own error out of what jco throws. Anything else is a fault and is rethrown. */
export function payloadOf(error: unknown): WitError {
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

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
