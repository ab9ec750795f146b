/** Calls functions and aggregates of a component in WebAssembly, faster than JavaScript can. See linked-calls.wat. */

import { compiled } from '../core/compiled.js';
import type { Engine } from '../kernel/engine.js';
import type { GuestOptions } from './cabi-lower.js';
import { linkedCallsModule } from './linked-calls-module.js';

/** The result of a {@link LinkedCalls} function: all is done. */
export const callDone = 0;
/** The component returned, and the caller has to do the rest with the result at address `result`. */
export const callReturned = 2;

/** The number of calls that take as long as linking. */
export const callsBeforeLinking = 200;

/** Results other than {@link callDone} and {@link callReturned} mean that the component was not called. */
export interface LinkedCalls {
  /** Calls a scalar function with `count` Cells, and sets the result of the SQL function. */
  call(id: bigint, context: number, count: number, cells: number): number;
  step(id: bigint, group: number, count: number, cells: number): number;
  inverse(id: bigint, group: number, count: number, cells: number): number;
  value(id: bigint, group: number, context: number): number;
  finalize(id: bigint, group: number, context: number): number;
  readonly result: WebAssembly.Global<'i32'>;
}

type Name = Exclude<keyof LinkedCalls, 'result'>;
const names: readonly Name[] = ['call', 'step', 'inverse', 'value', 'finalize'];

/** The core functions of an exported interface, for calls without jco's wrappers. */
export interface LinkedGuest {
  readonly options: GuestOptions;
  /** The number of calls before the component is linked. */
  readonly callsBefore: number;
  /** Returns the core function `name` of the interface, with the flat parameters of the canonical ABI. */
  function(name: string): (...flat: never[]) => number;
  /** Returns the function that frees a result of `name`, given its address. */
  post(name: string): (result: number) => void;
}

/** Links a component after a number of calls, if the runtime supports modules with two memories. Node 20 does not. */
export class Linking {
  readonly #engine: Engine;
  readonly #guest: LinkedGuest;
  readonly #names: readonly Name[];
  #callsLeft: number;
  linked: LinkedCalls | undefined;

  /** @param names the functions that the component exports */
  constructor(engine: Engine, guest: LinkedGuest, names: readonly Name[]) {
    this.#engine = engine;
    this.#guest = guest;
    this.#names = names;
    this.#callsLeft = guest.callsBefore;
    if (this.#callsLeft === 0) this.linked = this.#link();
  }

  /** Counts a call that was made without {@link linked}. */
  count(): void {
    if (this.#callsLeft === 0) return;
    this.#callsLeft -= 1;
    if (this.#callsLeft === 0) this.linked = this.#link();
  }

  #link(): LinkedCalls | undefined {
    const module = compiled(linkedCallsModule);
    if (!module) return undefined;
    const { core, scratch } = this.#engine;
    const { memory, realloc } = this.#guest.options;
    const none = (): undefined => undefined; // never called
    const guest: WebAssembly.ModuleImports = { memory, realloc };
    const post: WebAssembly.ModuleImports = {};
    for (const name of names) {
      const isPresent = this.#names.includes(name);
      guest[name] = isPresent ? this.#guest.function(name) : none;
      post[name] = isPresent ? this.#guest.post(name) : none;
    }
    const { bridge_result_copy, bridge_result_int64, sqlite3_result_double, sqlite3_result_null } = core.c;
    const imports = {
      core: {
        memory: core.c.memory,
        scratch,
        bridge_result_copy,
        bridge_result_int64,
        sqlite3_result_double,
        sqlite3_result_null,
      },
      guest,
      post,
    };
    try {
      return new WebAssembly.Instance(module, imports).exports as unknown as LinkedCalls;
    } catch {
      return undefined; // such as too little stack; direct calls do the same
    }
  }
}
