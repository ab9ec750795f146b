/** The results of calls between host and components: `result<T, sqlite-error>`, both ways. */

import { SqliteError } from '../core/errors.js';
import { cabiLower, Guest, type GuestOptions } from './guest.js';
import { sqliteError, type Variant } from './layout.js';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** `record sqlite-error` of interface types. */
export interface WitError {
  code: number;
  extendedCode: number;
  message: string;
}

/** An SqliteError in WIT. Anything else is a fault and is rethrown. */
export function witError(error: unknown): WitError {
  if (!(error instanceof SqliteError)) throw error;
  return { code: error.errcode & 0xff, extendedCode: error.errcode, message: error.message };
}

/** The form in which a host function throws the error case of its result (jco: own property `payload`). */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly payload: WitError;

  constructor(payload: WitError) {
    super(payload.message);
    this.payload = payload;
  }
}

/** Calls `action`; an SqliteError becomes the error case of a WIT result. */
export function asResult<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new HostError(witError(error));
  }
}

/** Stores an error at an address of a component. */
function putError(guest: Guest, address: number, error: WitError): void {
  const { at } = sqliteError;
  guest.view.setInt32(address + at.code, error.code, true);
  guest.view.setInt32(address + at.extendedCode, error.extendedCode, true);
  guest.putList(address + at.message, encoder.encode(error.message));
}

/** Reads the error at an address of a component. */
function errorAt(guest: Guest, address: number): WitError {
  const { at } = sqliteError;
  const code = guest.view.getInt32(address + at.code, true);
  const extendedCode = guest.view.getInt32(address + at.extendedCode, true);
  return { code, extendedCode, message: decoder.decode(guest.listAt(address + at.message)) };
}

/**
 * Gives a function of an interface a direct form, which reads and writes the component's memory itself.
 *
 * @param memory the most bytes that the component's memory may have
 * @param lowered makes the function of core values, once for each instance of a component
 */
export function withDirect<Plain extends (...values: never[]) => unknown>(
  plain: Plain,
  memory: number | undefined,
  lowered: (guest: Guest) => (...values: never[]) => void,
): Plain {
  return Object.assign(plain, {
    [cabiLower]: (options: GuestOptions) => lowered(new Guest(options, memory)),
  });
}

/**
 * Answers a component's direct call: stores at `out` what `action` stores in the result's payload, or the SqliteError
 * that it throws. Anything else that it throws is a fault and is rethrown.
 */
export function answer(
  guest: Guest,
  { payload }: Variant,
  out: number,
  action: (payload: number) => void,
): void {
  const target = out >>> 0;
  try {
    action(target + payload);
    guest.view.setUint8(target, 0);
  } catch (thrown) {
    putError(guest, target + payload, witError(thrown));
    guest.view.setUint8(target, 1);
  }
}

/**
 * Whether what a component returned at an address is the ok case.
 *
 * @throws RangeError if it is not all in the component's memory, not aligned, or of an unknown case
 */
export function isOk(guest: Guest, address: number, { size, align }: Variant): boolean {
  const { view } = guest;
  if (address + size > view.byteLength || address % align !== 0) {
    throw new RangeError('the component returned an address outside its memory, or not aligned');
  }
  const kind = view.getUint8(address);
  if (kind > 1) throw new RangeError(`the component returned a result of the unknown kind ${kind}`);
  return kind === 0;
}

/** The error that a component returned at an address, of a result that is not ok. */
export const failureAt = (guest: Guest, address: number, { payload }: Variant): WitError =>
  errorAt(guest, address + payload);

/** What a component returned at an address, if that is an error. */
export const failureOf = (guest: Guest, address: number, type: Variant): WitError | undefined =>
  isOk(guest, address, type) ? undefined : failureAt(guest, address, type);
