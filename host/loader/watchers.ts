/** Registers the authorizers and hooks of components. */

import { resolve } from 'node:path';
import type { Functions as Authorizer, Verdict } from '../abi/generated/authorizer.js';
import type { HookSet, Functions as Hooks } from '../abi/generated/hooks.js';
import {
  SQLITE_DELETE,
  SQLITE_DENY,
  SQLITE_IGNORE,
  SQLITE_INSERT,
  SQLITE_OK,
  SQLITE_SAVEPOINT,
  SQLITE_TRANSACTION,
} from '../core/constants.js';
import type { ConnectionHooks } from '../core/host-services.js';
import { shownName } from '../core/shown.js';
import { writeMarked } from '../interfaces/marked.js';
import { hooksOf } from '../kernel/hooks.js';
import type { Component } from './component.js';
import type { Brought } from './replacements.js';

/**
 * Adds the hooks of a component. If the same component was loaded before, replaces its hooks, so that loading a
 * component again revives it after a trap.
 */
function add(component: Component, path: string, what: string, hooks: Partial<ConnectionHooks>): void {
  hooksOf(component.connection).add(hooks, `${what} of ${component.name} in ${resolve(path)}`);
}

/** The actions whose first argument is "ROLLBACK" for a rollback. */
const transactional = new Set<number>([SQLITE_TRANSACTION, SQLITE_SAVEPOINT]);

/** The result of an authorizer that has trapped: denies everything except ROLLBACK, and reports why. */
function refuse(component: Component, path: string, action: number, first: string | null): number {
  if (transactional.has(action) && first === 'ROLLBACK') return SQLITE_OK;
  const { connection } = component;
  const why =
    `not authorized: the authorizer of component ${shownName(component.name)} is no longer usable, because ` +
    `${component.fault}; everything except ROLLBACK is refused until it is loaded again from ${shownName(path)}`;
  hooksOf(connection).denied(why);
  if (connection.engine.isShell) writeMarked(path, why); // the shell prints SQLite's own message
  return SQLITE_DENY;
}

const verdicts: Readonly<Record<Verdict, number>> = {
  allow: SQLITE_OK,
  deny: SQLITE_DENY,
  ignore: SQLITE_IGNORE,
};

/** The authorizer of a component; undefined if it exports none. After a trap, everything except ROLLBACK is denied. */
export function bringAuthorizer(component: Component, path: string): Brought | undefined {
  const authorizer = component.interface<Authorizer>('authorizer');
  if (!authorizer) return undefined;
  return { names: [], register: () => registerAuthorizer(component, path, authorizer) };
}

function registerAuthorizer(component: Component, path: string, authorizer: Authorizer): void {
  add(component, path, 'authorizer', {
    authorize(action, texts) {
      if (!component.alive) return refuse(component, path, action, texts[0]);
      const [first, second, database, trigger] = texts.map((text) => text ?? undefined);
      try {
        return component.guard(
          'authorizer',
          () => verdicts[authorizer.authorize(action, first, second, database, trigger)],
        );
      } catch {
        return refuse(component, path, action, texts[0]);
      }
    },
  });
}

/** The hooks of a component; undefined if it exports none. After a trap, they are no longer called. */
export function bringHooks(component: Component, path: string): Brought | undefined {
  const hooks = component.interface<Hooks>('hooks');
  if (!hooks) return undefined;
  const wanted = component.described(path, () => hooks.describe());
  return { names: [], register: () => registerHooks(component, path, hooks, wanted) };
}

function registerHooks(component: Component, path: string, hooks: Hooks, wanted: HookSet): void {
  const own = hooksOf(component.connection);
  own.beReady();

  /** Calls a hook. If the component traps, returns `otherwise` and refuses commits until a rollback. */
  const ask = <T>(name: string, otherwise: T, action: () => T): T => {
    try {
      return component.guard(name, action);
    } catch (error) {
      own.poison(error instanceof Error ? error.message : String(error));
      return otherwise;
    }
  };
  /** Calls a hook that cannot refuse anything. */
  const tell = (name: string, action: () => void): void => {
    if (!component.alive) return;
    try {
      component.guard(name, action);
    } catch {} // the component is marked as trapped
  };
  add(component, path, 'hooks', {
    ...(wanted.update && {
      update(op, database, table, rowid) {
        const what = op === SQLITE_INSERT ? 'insert' : op === SQLITE_DELETE ? 'delete' : 'update';
        if (component.alive) ask('on-update', undefined, () => hooks.onUpdate(what, database, table, rowid));
      },
    }),
    ...(wanted.commit && {
      commit: () => !component.alive || ask('on-commit', false, () => hooks.onCommit()),
    }),
    ...(wanted.rollback && { rollback: () => tell('on-rollback', () => hooks.onRollback()) }),
    ...(wanted.wal && {
      wal: (database: string, pages: number) => tell('on-wal', () => hooks.onWal(database, pages)),
    }),
  });
}
