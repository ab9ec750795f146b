/** One instance of a component on one connection. After a trap the instance cannot be called any more. */

import type { GuestOptions } from '../abi/cabi-lower.js';
import type { Functions as Metadata } from '../abi/generated/metadata.js';
import { Guest, TooLarge } from '../abi/guest.js';
import { callsBeforeLinking, type LinkedGuest } from '../abi/linked-calls.js';
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
import { instantiator } from './glue.js';
import type { Prepared } from './prepared.js';

/**
 * How to call a component. `direct` copies values between the memories if the component supports that, and links the
 * component with the core after some calls. `linked` links it before the first call. `wrapped` always uses jco's wrappers.
 */
export const callPaths = ['direct', 'linked', 'wrapped'] as const;
export type CallPath = (typeof callPaths)[number];

/** The core functions of an exported interface, for calls without jco's wrappers. */
export interface CoreInterface extends LinkedGuest {
  readonly guest: Guest;
}

export class Component {
  readonly name: string;
  readonly version: string;
  readonly connection: Connection;
  /** The memory limit in bytes. */
  readonly memory: number;
  readonly #exported: Record<string, unknown>;
  readonly #keys: readonly string[];
  readonly #cores: readonly WebAssembly.Exports[];
  readonly #callPath: CallPath;
  readonly #owner: Owner;
  /** The reason why the instance cannot be called any more; undefined if it can be called. */
  #fault: string | undefined;
  /** The last error that {@link enter} threw. */
  #refusal: SqliteError | undefined;

  /** @throws Error if this Node cannot compile the component, or if it traps while it starts or describes itself */
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
          // The memory limit is divided among the modules, so each can be instantiated only once.
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
        // Components that contain an interpreter use extended constant expressions, which older versions of Node do not
        // support.
        const newer = error.message.includes('constant expression') ? 'Node 22 or later' : 'a newer version';
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

  /** Calls a `describe` function of the component. @throws Error that names `path` if the function fails */
  described<T>(path: string, describe: () => T): T {
    try {
      return describe();
    } catch (error) {
      throw new Error(`${path} failed to describe itself: ${messageOf(error)}`);
    }
  }

  /** An interface that the component exports, through jco's wrappers; undefined if the component does not export it. */
  interface<T>(name: string): T | undefined {
    const key = this.#key(name);
    return key === undefined ? undefined : (this.#exported[key] as T);
  }

  /**
   * The same interface without wrappers; undefined if the component does not support direct calls, or if the call path
   * is `wrapped`.
   */
  core(name: string): CoreInterface | undefined {
    const key = this.#key(name);
    return key === undefined || this.#callPath === 'wrapped'
      ? undefined
      : coreInterface(this.#cores, key, this.memory, this.#callPath === 'linked' ? 0 : callsBeforeLinking);
  }

  /**
   * Runs `action`, which calls the component. `what` is the SQL name of a function or table, for error messages.
   *
   * @throws SqliteError if the component traps or has trapped before. `action` must handle the errors that the
   *   component returns
   */
  guard<T>(what: string, action: () => T): T {
    try {
      this.enter(what);
      return action();
    } catch (error) {
      throw this.failed(what, error);
    }
  }

  /**
   * The first half of {@link guard}, for frequent calls that should not create a closure. Throws if the component has
   * trapped before.
   */
  enter(what: string): void {
    if (this.#fault === undefined) return;
    this.#refusal = sqliteError(
      SQLITE_ERROR,
      `${shownName(what)}: component ${shownName(this.name)} is no longer usable, because ${this.#fault}; load it again`,
    );
    throw this.#refusal;
  }

  /**
   * The second half of {@link guard}. Converts a caught error, and marks the component as trapped. It does not mark the
   * component if {@link enter} threw the error, or if the arguments were too large to call the component.
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

  /** Closes the resources of the instance, after it has trapped or was replaced. */
  end(): void {
    ownersOf(this.connection).end(this.#owner);
  }

  /** The reason why the instance cannot be called any more; undefined if it can be called. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Whether the instance can still be called. */
  get alive(): boolean {
    return this.#fault === undefined;
  }

  #metadata(): Metadata {
    return this.interface<Metadata>('metadata') as Metadata; // checkComponent checked that it is exported
  }

  #key(name: string): string | undefined {
    return this.#keys.find((text) => {
      const found = parseInterface(text);
      return found.package === contract.package && found.name === name;
    });
  }
}

/**
 * The interface of the only core instance that exports it and has its own memory. Undefined if there is not exactly one
 * such instance.
 */
function coreInterface(
  cores: readonly WebAssembly.Exports[],
  key: string,
  most: number,
  callsBefore: number,
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
    options,
    callsBefore,
    function(name) {
      const found = core[`${key}#${name}`];
      if (typeof found !== 'function') throw new Error(`the component's core has no ${key}#${name}`);
      return found as ReturnType<CoreInterface['function']>;
    },
    post: (name) => (core[`cabi_post_${key}#${name}`] ?? (() => undefined)) as (result: number) => void,
  };
}

/** Returns the error of a component from the exception that jco throws for it. Rethrows other exceptions. */
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
