/** What of a component SQLite calls without a way to fail: collations, hooks; and authorizers. */

import { SQLITE_DELETE, SQLITE_DENY, SQLITE_IGNORE, SQLITE_INSERT, SQLITE_OK } from '../core/constants.js';
import type { Functions as Authorizer, Verdict } from '../interfaces/generated/authorizer.js';
import type { Functions as Collation } from '../interfaces/generated/collation.js';
import type { HookSet, Functions as Hooks } from '../interfaces/generated/hooks.js';
import type { Component } from './component.js';

/**
 * Calls a component where SQLite takes no error: where it traps, `otherwise` is the answer and the connection
 * commits nothing until the transaction is rolled back.
 */
function calling<T>(component: Component, what: string, otherwise: T, action: () => T): T {
  try {
    return component.guard(what, action);
  } catch (error) {
    component.connection.hooks.poison(error instanceof Error ? error.message : String(error));
    return otherwise;
  }
}

/** Registers the collations of a component; none where a description is refused. */
export function registerCollations(component: Component, path: string): void {
  const collation = component.interface<Collation>('collation');
  if (!collation) return;
  const { connection } = component;
  const { engine, db } = connection;
  const specs = component.described(path, () => collation.describe());
  for (const { name } of specs) {
    if (name === '' || name.includes('\0')) {
      throw new Error(
        `component ${component.name} describes a collation with the name ${JSON.stringify(name)}`,
      );
    }
  }
  connection.hooks.beReady();
  const { memory } = engine.core;
  const core = component.core('collation');
  const guest = core?.guest;
  type Compare = (id: bigint, left: number, leftLength: number, right: number, rightLength: number) => number;
  const direct = core?.function('compare') as Compare | undefined;
  for (const { id, name } of specs) {
    const registered = engine.register({
      compare(left, leftLength, right, rightLength) {
        return connection.within('a collation', () =>
          calling(component, name, 0, () => {
            if (!direct || !guest) {
              return collation.compare(id, memory.text(left, leftLength), memory.text(right, rightLength));
            }
            const a = guest.put(memory.bytes.subarray(left, left + leftLength));
            const b = guest.put(memory.bytes.subarray(right, right + rightLength));
            return direct(id, a, leftLength, b, rightLength);
          }),
        );
      },
    });
    using arena = memory.arena();
    engine.check(db, engine.core.c.bridge_create_collation(db, arena.cString(name), registered));
  }
}

const verdicts: Readonly<Record<Verdict, number>> = {
  allow: SQLITE_OK,
  deny: SQLITE_DENY,
  ignore: SQLITE_IGNORE,
};

/** Puts a component's authorizer in the chain. A trap denies. */
export function registerAuthorizer(component: Component): void {
  const authorizer = component.interface<Authorizer>('authorizer');
  if (!authorizer) return;
  component.connection.hooks.add({
    authorize(action, texts) {
      if (!component.alive) return SQLITE_DENY;
      const [first, second, database, trigger] = texts.map((text) => text ?? undefined);
      try {
        return component.guard(
          'authorizer',
          () => verdicts[authorizer.authorize(action, first, second, database, trigger)],
        );
      } catch {
        return SQLITE_DENY; // the component is dead: whoever loads it again is told why by its functions
      }
    },
  });
}

/** Puts a component's hooks in the chains. */
export function registerHooks(component: Component, path: string): void {
  const hooks = component.interface<Hooks>('hooks');
  if (!hooks) return;
  const wanted: HookSet = component.described(path, () => hooks.describe());
  const { connection } = component;
  connection.hooks.beReady();
  const call = (action: () => void): void => {
    if (component.alive) calling(component, 'hook', undefined, action);
  };
  connection.hooks.add({
    ...(wanted.update && {
      update(op, database, table, rowid) {
        const what = op === SQLITE_INSERT ? 'insert' : op === SQLITE_DELETE ? 'delete' : 'update';
        call(() => hooks.onUpdate(what, database, table, rowid));
      },
    }),
    ...(wanted.commit && {
      commit: () => !component.alive || calling(component, 'hook', false, () => hooks.onCommit()),
    }),
    ...(wanted.rollback && { rollback: () => call(() => hooks.onRollback()) }),
    ...(wanted.wal && { wal: (database: string, pages: number) => call(() => hooks.onWal(database, pages)) }),
  });
}
