/** Interface `sqlite:extension/session`, bound to one connection and to whose sessions can be used. */

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
  /** A function from a handle to bytes, and its direct form. */
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
