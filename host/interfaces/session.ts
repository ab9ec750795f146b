/** Implements the interface `sqlite:extension/session` for one connection and one client. */

import type { Functions } from '../abi/generated/session.js';
import { mostAtOnce } from '../abi/guest.js';
import { integerOrError, listOrError, nothingOrError } from '../abi/layout.js';
import { answer, asResult, withDirect } from '../abi/results.js';
import { SQLITE_NOTFOUND, SQLITE_NOTICE, SQLITE_TOOBIG } from '../core/constants.js';
import { sqliteError } from '../core/errors.js';
import { maxLength } from '../core/memory.js';
import type { ChangesetKind } from '../recording/c-session.js';
import type { SessionRegistry } from '../recording/sessions.js';
import type { Client } from './client.js';
import { SessionAccess } from './session-access.js';

/**
 * The functions of the interface. Each function can be called with JavaScript values, and has a direct form that jco
 * calls and that accesses the guest's memory itself.
 */
export function sessionInterface({ owner, memory }: Client): Functions {
  const { connection } = owner;
  const access = new SessionAccess(owner);
  /**
   * The registry of a session that the client may use. Deleting a session runs no SQL, so it is allowed in more
   * callbacks.
   */
  const live = (handle: bigint, use: 'session' | 'session.delete' = 'session'): SessionRegistry => {
    connection.refuseWithin('session', use);
    return access.having(handle);
  };
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
      `${table} is not recorded now: the table does not exist or has no primary key`,
    );
  };
  const remove = (handle: bigint): void => {
    if (!live(handle, 'session.delete').delete(handle))
      throw sqliteError(SQLITE_NOTFOUND, `session ${handle} was already deleted`);
  };

  /** Passes a changeset to `use` if it fits in an SQL value and in the component's memory. */
  const fitting = <T>(bytes: Uint8Array, use: (bytes: Uint8Array) => T): T => {
    const most = memory === undefined ? maxLength : Math.min(maxLength, mostAtOnce(memory));
    if (bytes.length <= most) return use(bytes);
    const why =
      most === maxLength
        ? `but an SQL value has at most ${maxLength}: `
        : `but the component can hold at most ${most} (--max-memory, or grants.memory in code): `;
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
  /** Makes a function that returns bytes for a handle, with its direct form. */
  const reader = (action: (handle: bigint, use: (bytes: Uint8Array) => unknown) => unknown) =>
    withDirect(
      (handle: bigint): Uint8Array => asResult(() => action(handle, (bytes) => bytes.slice()) as Uint8Array),
      memory,
      (guest) =>
        (handle: bigint, out: number): void =>
          answer(guest, listOrError, out, (place) => {
            action(BigInt.asUintN(64, handle), (bytes) => guest.putList(place, bytes));
          }),
    );

  return {
    create: withDirect(
      (dbname: string) => asResult(() => create(dbname)),
      memory,
      (guest) =>
        (name: number, length: number, out: number): void =>
          answer(guest, integerOrError, out, (place) => {
            const handle = create(guest.text(name, length));
            guest.view.setBigUint64(place, handle, true);
          }),
    ),
    attach: withDirect(
      (handle: bigint, table: string | undefined) => asResult(() => attach(handle, table)),
      memory,
      (guest) =>
        (handle: bigint, some: number, name: number, length: number, out: number): void =>
          answer(guest, nothingOrError, out, () =>
            attach(BigInt.asUintN(64, handle), some ? guest.text(name, length) : undefined),
          ),
    ),
    changeset: reader((handle, use) => read(handle, 'changeset', use)),
    patchset: reader((handle, use) => read(handle, 'patchset', use)),
    take: reader((handle, use) => use(take(handle))),
    delete: withDirect(
      (handle: bigint) => asResult(() => remove(handle)),
      memory,
      (guest) =>
        (handle: bigint, out: number): void =>
          answer(guest, nothingOrError, out, () => remove(BigInt.asUintN(64, handle))),
    ),
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
    // Listing sessions runs no SQL and has no error result, so it is allowed at any time.
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
