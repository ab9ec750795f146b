/** Interface `sqlite:extension/session`, bound to one connection and to whose sessions can be used. */

import { SQLITE_NOTFOUND, SQLITE_NOTICE, SQLITE_TOOBIG } from '../core/constants.js';
import { sqliteError } from '../core/errors.js';
import { maxLength } from '../core/memory.js';
import type { ChangesetKind } from '../recording/c-session.js';
import type { SessionRegistry } from '../recording/sessions.js';
import type { Client } from './client.js';
import type { Functions } from './generated/session.js';
import { asResult, cabiLower, Guest, type GuestOptions, mostAtOnce, witError } from './guest.js';
import { SessionAccess } from './session-access.js';

/**
 * The functions of the interface. Each can be called with JavaScript values, and carries a direct form for jco that
 * reads and writes the guest's memory itself.
 */
export function sessionInterface({ owner, memory }: Client): Functions {
  const { connection } = owner;
  const access = new SessionAccess(owner);
  /** The sessions of a handle, if they may be used; deleting one runs no SQL. */
  const live = (handle: bigint, use: 'session' | 'session.delete' = 'session'): SessionRegistry => {
    connection.refuseWithin('session', use);
    return access.having(handle);
  };
  /** The sessions among which one can be made. */
  const own = (): SessionRegistry => {
    connection.refuseWithin('session', 'session');
    return access.own;
  };
  const call = <T>(handle: bigint, action: (sessions: SessionRegistry) => T): T =>
    asResult(() => action(live(handle)));
  const create = (dbname: string): bigint => own().create(dbname);
  const attach = (handle: bigint, table: string | undefined): void => {
    if (live(handle).attach(handle, table ?? null)) return;
    throw sqliteError(
      SQLITE_NOTICE,
      `${table} records nothing now: the table does not exist, or it has no primary key`,
    );
  };
  const remove = (handle: bigint): void => {
    if (!live(handle, 'session.delete').delete(handle))
      throw sqliteError(SQLITE_NOTFOUND, `session ${handle} was already deleted`);
  };

  /** Reads a changeset that still fits an SQL value. */
  const fitting = <T>(bytes: Uint8Array, use: (bytes: Uint8Array) => T): T => {
    const most = memory === undefined ? maxLength : Math.min(maxLength, mostAtOnce(memory));
    if (bytes.length <= most) return use(bytes);
    const why =
      most === maxLength
        ? `an SQL value has at most ${maxLength}: `
        : `${most} fit the component (--max-memory, or grants.memory in code): `;
    throw sqliteError(
      SQLITE_TOOBIG,
      `the changeset has ${bytes.length} bytes, ${why}` +
        "write it to a file with the shell's .session, or take it in code with Session.changeset()",
    );
  };
  const read = <T>(handle: bigint, kind: ChangesetKind, use: (bytes: Uint8Array) => T): T =>
    live(handle).read(handle, kind, (bytes) => fitting(bytes, use));
  const take = (handle: bigint): Uint8Array =>
    live(handle).take(handle, (bytes) => fitting(bytes, () => undefined));
  // A result<_, sqlite-error>: the case, then at offset 4 the error.
  const report = (guest: Guest, out: number, action: () => void): void => {
    try {
      action();
      guest.view.setUint8(out, 0);
    } catch (thrown) {
      guest.putError(out + 4, witError(thrown));
      guest.view.setUint8(out, 1);
    }
  };

  /** A function from a handle to bytes, and its direct form. */
  const reader = (action: (handle: bigint, use: (bytes: Uint8Array) => unknown) => unknown) =>
    Object.assign(
      (handle: bigint): Uint8Array => asResult(() => action(handle, (bytes) => bytes.slice()) as Uint8Array),
      {
        [cabiLower](options: GuestOptions) {
          const guest = new Guest(options, memory);
          return (handle: bigint, out: number): void =>
            report(guest, out >>> 0, () => {
              action(BigInt.asUintN(64, handle), (bytes) => guest.putPair((out >>> 0) + 4, bytes));
            });
        },
      },
    );

  return {
    create: Object.assign((dbname: string) => asResult(() => create(dbname)), {
      [cabiLower](options: GuestOptions) {
        const guest = new Guest(options, memory);
        return (name: number, length: number, out: number): void => {
          try {
            const handle = create(guest.text(name, length));
            guest.view.setBigUint64((out >>> 0) + 8, handle, true);
            guest.view.setUint8(out >>> 0, 0);
          } catch (thrown) {
            guest.putError((out >>> 0) + 8, witError(thrown));
            guest.view.setUint8(out >>> 0, 1);
          }
        };
      },
    }),
    attach: Object.assign(
      (handle: bigint, table: string | undefined) => asResult(() => attach(handle, table)),
      {
        [cabiLower](options: GuestOptions) {
          const guest = new Guest(options, memory);
          return (handle: bigint, some: number, name: number, length: number, out: number): void =>
            report(guest, out >>> 0, () =>
              attach(BigInt.asUintN(64, handle), some ? guest.text(name, length) : undefined),
            );
        },
      },
    ),
    changeset: reader((handle, use) => read(handle, 'changeset', use)),
    patchset: reader((handle, use) => read(handle, 'patchset', use)),
    take: reader((handle, use) => use(take(handle))),
    delete: Object.assign((handle: bigint) => asResult(() => remove(handle)), {
      [cabiLower](options: GuestOptions) {
        const guest = new Guest(options, memory);
        return (handle: bigint, out: number): void =>
          report(guest, out >>> 0, () => remove(BigInt.asUintN(64, handle)));
      },
    }),
    createWith: (dbname, options) => asResult(() => own().create(dbname, options)),
    enable: (handle, on) => call(handle, (sessions) => sessions.enable(handle, on)),
    indirect: (handle, on) => call(handle, (sessions) => sessions.indirect(handle, on)),
    isEmpty: (handle) => call(handle, (sessions) => sessions.isEmpty(handle)),
    memoryUsed: (handle) => call(handle, (sessions) => BigInt(sessions.memoryUsed(handle))),
    changesetSize: (handle) => call(handle, (sessions) => BigInt(sessions.changesetSize(handle))),
    diff: (handle, from, table) =>
      call(handle, (sessions) => {
        access.refuseRows('diff');
        sessions.diff(handle, from, table);
      }),
    filter: (handle, globs) => call(handle, (sessions) => sessions.filterByGlobs(handle, globs)),
    warnings: (handle) => call(handle, (sessions) => sessions.warnings(handle)),
    // It runs no SQL and cannot return an error, so it always answers.
    sessions: () =>
      access.list().map(({ handle, database, bytes, ...state }) => ({
        h: handle,
        dbname: database,
        tables: [...state.tables],
        enabled: state.enabled,
        indirect: state.indirect,
        empty: state.empty,
        bytes: BigInt(bytes),
      })),
  };
}
