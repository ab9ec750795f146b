/** Hooks of a connection. SQLite has one slot for each kind of hook; this file allows any number. */

import {
  HOOK_AUTHORIZE,
  HOOK_COMMIT,
  HOOK_ROLLBACK,
  HOOK_UPDATE,
  HOOK_WAL,
  SQLITE_DENY,
  SQLITE_IGNORE,
  SQLITE_OK,
} from '../core/constants.js';
import type { AuthorizedTexts, ConnectionHooks } from '../core/host-services.js';
import type { Connection } from './connection.js';

const kinds = {
  authorize: HOOK_AUTHORIZE,
  commit: HOOK_COMMIT,
  rollback: HOOK_ROLLBACK,
  update: HOOK_UPDATE,
  wal: HOOK_WAL,
} as const;

type Kind = keyof typeof kinds;

const makeHooks = (connection: Connection): Hooks => new Hooks(connection);

export function hooksOf(connection: Connection): Hooks {
  return connection.part(makeHooks);
}

/** All hooks of a connection, in the order in which they are called. */
export class Hooks implements Disposable {
  readonly #connection: Connection;
  readonly #all = new Map<unknown, Partial<ConnectionHooks>>();
  #id = 0;
  #ready = false;
  /** Whether the host is running its own SQL. */
  #unasked = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Adds hooks. They are called after hooks that were added earlier, and before the shell's own. If the owner already
   * has hooks, the new ones take their place.
   */
  add(hooks: Partial<ConnectionHooks>, owner: unknown = hooks): void {
    const before = this.#all.get(owner);
    this.#all.set(owner, hooks);
    this.#fill(before, hooks);
  }

  /** Whether there is a hook of this kind. @param except an owner whose hooks are ignored */
  has(kind: Kind, except: unknown): boolean {
    for (const [owner, hooks] of this.#all) if (hooks[kind] && owner !== except) return true;
    return false;
  }

  /** Removes the hooks of `owner`. */
  remove(owner: unknown): void {
    const before = this.#all.get(owner);
    this.#all.delete(owner);
    this.#fill(before);
  }

  /**
   * Makes the running statement fail with `reason`, and every commit until the transaction is rolled back. Callbacks
   * that cannot return an error to SQLite call it. {@link beReady} must have been called before.
   */
  poison(reason: string): void {
    const { engine, db } = this.#connection;
    using arena = engine.core.memory.arena();
    engine.core.c.bridge_poison(db, arena.cString(reason));
  }

  /** Runs `action` without calling authorizers for its SQL, which is the host's own. */
  unasked<T>(action: () => T): T {
    const outer = this.#unasked;
    this.#unasked = true;
    try {
      return action();
    } finally {
      this.#unasked = outer;
    }
  }

  /** Sets the reason why an authorizer refuses the current action. */
  denied(why: string): void {
    const { engine, db } = this.#connection;
    engine.denials.set(db, why);
  }

  /** Prepares the connection for {@link poison}, which runs when hooks cannot be installed. */
  beReady(): void {
    if (this.#ready) return;
    this.#ready = true;
    this.#put('commit');
    this.#put('rollback');
  }

  /** Whether commits fail until the transaction is rolled back. */
  get poisoned(): boolean {
    const { engine, db } = this.#connection;
    return engine.core.c.bridge_poisoned(db) !== 0;
  }

  /** Called when the connection closes. */
  [Symbol.dispose](): void {
    const { engine, db } = this.#connection;
    engine.denials.delete(db);
    engine.release(this.#id);
  }

  /** Takes the slots that are now needed, and leaves those that are no longer needed. */
  #fill(...changed: (Partial<ConnectionHooks> | undefined)[]): void {
    for (const kind of Object.keys(kinds) as Kind[]) {
      if (changed.some((hooks) => hooks?.[kind])) this.#put(kind);
    }
  }

  /**
   * Takes or leaves a slot. An authorizer's slot is taken again for each new hook, so that SQLite compiles its
   * statements again.
   */
  #put(kind: Kind): void {
    const { engine, db } = this.#connection;
    const wanted =
      (this.#ready && (kind === 'commit' || kind === 'rollback')) ||
      [...this.#all.values()].some((hooks) => hooks[kind]);
    if (this.#id === 0) this.#id = engine.register({ hooks: this.#chain() });
    engine.check(db, engine.core.c.bridge_hook(db, wanted ? this.#id : 0, kinds[kind]));
  }

  #chain(): ConnectionHooks {
    const connection = this.#connection;
    const { db } = connection;
    const { denials } = connection.engine;
    const all = this.#all;
    return {
      authorize: (action: number, texts: AuthorizedTexts) => {
        if (this.#unasked) return SQLITE_OK;
        denials.delete(db);
        let verdict = SQLITE_OK;
        for (const { authorize } of all.values()) {
          const one = authorize
            ? connection.within('an authorizer', () => authorize(action, texts))
            : SQLITE_OK;
          if (one === SQLITE_DENY) return SQLITE_DENY;
          if (one === SQLITE_IGNORE) verdict = SQLITE_IGNORE;
        }
        return verdict;
      },
      commit: () => {
        for (const { commit } of all.values()) {
          if (commit && !connection.within('a hook', commit)) return false;
        }
        return true;
      },
      rollback: () => {
        for (const { rollback } of all.values()) if (rollback) connection.within('a hook', rollback);
      },
      update: (op, database, table, rowid) => {
        for (const { update } of all.values()) {
          if (update) connection.within('a hook', () => update(op, database, table, rowid));
        }
      },
      wal: (database, pages) => {
        for (const { wal } of all.values()) if (wal) connection.within('a hook', () => wal(database, pages));
      },
    };
  }
}
