/**
 * Collations of components. SQLite has no way for a collation to fail, and indexes depend on its order, so the order
 * must never change.
 */

import type { Functions as Collation, CollationSpec } from '../abi/generated/collation.js';
import { shownName } from '../core/shown.js';
import type { Restriction } from '../kernel/connection.js';
import { type Hooks, hooksOf } from '../kernel/hooks.js';
import type { Component } from './component.js';
import { type Brought, checkCount, letGo, type Named } from './replacements.js';

/** Compares the texts at two addresses of the core's memory. The result is less than, equal to or greater than 0. */
type Compare = (left: number, leftLength: number, right: number, rightLength: number) => number;

/** A collation of a connection, and the component that implements it now. */
interface Slot {
  component: Component;
  compare: Compare;
  readonly hooks: Hooks;
}

/** The collations of a connection by name. */
const slots = (): Map<string, Slot> => new Map();

const comparing: Restriction = { what: 'a collation', allowed: [] };

const nameOf = ({ name }: CollationSpec): Named => ({ kind: 'collation', name });

/** The collations of a component, with valid descriptions; undefined if it exports none. */
export function bringCollations(component: Component, path: string): Brought | undefined {
  const collation = component.interface<Collation>('collation');
  if (!collation) return undefined;
  const specs = component.described(path, () => collation.describe());
  checkCount(component, specs.length, 'collations');
  for (const { name } of specs) {
    if (name === '' || name.includes('\0')) {
      throw new Error(
        `component ${shownName(component.name)} describes a collation with the name ${JSON.stringify(name)}`,
      );
    }
  }
  return { names: specs.map(nameOf), register: () => register(component, collation, specs) };
}

/**
 * Registers the collations. If a collation exists already, its slot gets the new instance, because SQLite does not
 * allow replacing a collation while a statement runs.
 */
function register(component: Component, collation: Collation, specs: readonly CollationSpec[]): void {
  const { connection } = component;
  const { engine, db } = connection;
  const known = connection.part(slots);
  const hooks = hooksOf(connection);
  hooks.beReady();
  for (const spec of specs) {
    const key = spec.name.toLowerCase();
    const answer = { component, compare: compareOf(component, collation, spec), hooks };
    const there = known.get(key);
    if (there) {
      Object.assign(there, answer);
      continue;
    }
    const slot: Slot = answer;
    const id = engine.register({
      compare: (left, leftLength, right, rightLength) =>
        guarded(slot, spec.name, left, leftLength, right, rightLength),
      destroyed() {
        letGo(slot.component, nameOf(spec));
        if (known.get(key) === slot) known.delete(key);
      },
    });
    known.set(key, slot);
    using arena = engine.core.memory.arena();
    const code = engine.core.c.bridge_create_collation(db, arena.cString(spec.name), id);
    if (code !== 0) {
      known.delete(key);
      engine.release(id); // SQLite does not call the destructor if it refuses a collation
      engine.check(db, code);
    }
  }
}

/** Compares two texts. If the component fails, returns 0 and refuses commits until a rollback. */
function guarded(
  { component, compare, hooks }: Slot,
  name: string,
  left: number,
  leftLength: number,
  right: number,
  rightLength: number,
): number {
  const { connection } = component;
  // The statement fails at its next step, but SQLite may finish a long sort first.
  if (!component.alive && hooks.poisoned) return 0;
  const outer = connection.restrict(comparing);
  try {
    component.enter(name);
    return compare(left, leftLength, right, rightLength);
  } catch (error) {
    hooks.poison(component.failed(name, error).message);
    return 0;
  } finally {
    connection.restrict(outer);
  }
}

/** Makes the function that calls a component's collation, either directly or through jco's wrappers. */
function compareOf(component: Component, collation: Collation, { id }: CollationSpec): Compare {
  const { memory } = component.connection.engine.core;
  const core = component.core('collation');
  if (!core) {
    return (left, leftLength, right, rightLength) =>
      collation.compare(id, memory.text(left, leftLength), memory.text(right, rightLength));
  }
  const { guest } = core;
  type Direct = (id: bigint, left: number, leftLength: number, right: number, rightLength: number) => number;
  const direct = core.function('compare') as Direct;
  return (left, leftLength, right, rightLength) => {
    // The guest frees both strings, because it owns its arguments.
    const a = guest.take(memory, left, leftLength);
    const b = guest.take(memory, right, rightLength);
    return direct(id, a, leftLength, b, rightLength);
  };
}
