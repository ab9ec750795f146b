/** Finds the functions, collations and tables of a connection that a component would replace. */

import { SQLITE_ERROR } from '../core/constants.js';
import { shownName } from '../core/shown.js';
import type { Connection } from '../kernel/connection.js';
import { hooksOf } from '../kernel/hooks.js';
import { query, quotedName } from '../kernel/query.js';
import type { SqlValue } from '../kernel/values.js';
import type { Component } from './component.js';

export interface Named {
  readonly kind: 'function' | 'collation' | 'table';
  readonly name: string;
  /** The number of arguments of a function; -1 for any number. */
  readonly args?: number;
}

/** The names that an interface of a component provides, and the function that registers them after all checks. */
export interface Brought {
  readonly names: readonly Named[];
  register(): void;
}

/** The maximum number of names of each kind that a component may provide. */
const mostNames = 10_000;

/** @throws Error if a component describes more than {@link mostNames} names of a kind */
export function checkCount(component: Component, count: number, what: string): void {
  if (count <= mostNames) return;
  throw new Error(
    `component ${shownName(component.name)} describes ${count} ${what}, but the limit is ${mostNames}`,
  );
}

/** The components of a connection, by the keys of the names that they implement. */
const bringers = (): Map<string, Component> => new Map();

const keyOf = ({ kind, name, args = 0 }: Named): string => `${kind} ${args} ${name.toLowerCase()}`;

/** The key of a function that takes any number of arguments. SQLite calls it if no function has the exact number. */
const openKeyOf = ({ kind, name }: Named): string => `${kind} ... ${name.toLowerCase()}`;

/** Records which component implements each of the names now. */
export function brought(component: Component, names: readonly Named[]): void {
  const all = component.connection.part(bringers);
  for (const name of names) all.set(keyOf(name), component);
}

/** Forgets that `component` implements a name, after SQLite has released it. */
export function letGo(component: Component, name: Named): void {
  const all = component.connection.part(bringers);
  if (all.get(keyOf(name)) === component) all.delete(keyOf(name));
}

/** Descriptions of what would be replaced, such as `abs(1), which is built in`. */
export function replacements(
  connection: Connection,
  names: readonly Named[],
  isSame: (bringer: Component) => boolean,
): string[] {
  const taken = hooksOf(connection).unasked(() => names.filter((named) => mayExist(connection, named)));
  if (taken.length === 0) return [];
  const there = known(connection, new Set(taken.map(({ kind }) => kind)));
  const answering = connection.part(bringers);
  return taken.flatMap((named) => {
    const found = there.get(keyOf(named)) ?? there.get(openKeyOf(named));
    if (!found) return [];
    const bringer = answering.get(keyOf(found.named));
    if (bringer && isSame(bringer)) return [];
    return [`${titleOf(found.named)}, ${originOf(found, bringer)}`];
  });
}

function titleOf({ kind, name, args = 0 }: Named): string {
  const shown = shownName(name);
  if (kind !== 'function') return `${kind} ${shown}`;
  return `${shown}(${args < 0 ? '...' : args})`;
}

function originOf({ builtIn }: Known, bringer: Component | undefined): string {
  if (bringer) return `which component ${shownName(bringer.name)} registered`;
  return builtIn ? 'which is built in' : 'which the program registered';
}

interface Known {
  readonly named: Named;
  readonly builtIn: boolean;
}

const builtInCollations = new Set(['binary', 'nocase', 'rtrim']);

/**
 * Whether a name may exist already. Compiling a call of a function is much faster than listing all functions, and most
 * components replace nothing.
 */
function mayExist({ engine, db }: Connection, { kind, name }: Named): boolean {
  if (kind !== 'function') return true;
  const { c, memory } = engine.core;
  using arena = memory.arena();
  const out = arena.allocate(4);
  const call = arena.text(`SELECT ${quotedName(name)}()`);
  const code = c.sqlite3_prepare_v3(db, call.pointer, call.length + 1, 0, out, 0);
  c.sqlite3_finalize(memory.pointerAt(out));
  // SQLite has another message if functions of that name exist with other numbers of arguments.
  return code !== SQLITE_ERROR || !memory.cString(c.sqlite3_errmsg(db))?.startsWith('no such function: ');
}

/** The existing names of these kinds. No authorizer is called, because only the host uses the result. */
function known(connection: Connection, kinds: ReadonlySet<Named['kind']>): Map<string, Known> {
  const all = new Map<string, Known>();
  const add = (named: Named, builtIn: boolean): void => {
    all.set(keyOf(named), { named, builtIn });
    if (named.args !== undefined && named.args < 0) all.set(openKeyOf(named), { named, builtIn });
  };
  const list = (kind: Named['kind'], pragma: string): SqlValue[][] =>
    kinds.has(kind) ? query(connection, `PRAGMA ${pragma}`) : [];
  hooksOf(connection).unasked(() => {
    for (const [name, builtIn, , , args] of list('function', 'function_list')) {
      add({ kind: 'function', name: String(name), args: Number(args) }, builtIn === 1n);
    }
    for (const [, name] of list('collation', 'collation_list')) {
      add({ kind: 'collation', name: String(name) }, builtInCollations.has(String(name).toLowerCase()));
    }
    for (const [name] of list('table', 'module_list')) {
      add({ kind: 'table', name: String(name) }, true);
    }
  });
  return all;
}
