/** Reads and writes `result<T, sqlite-error>`, the result of calls between host and components. */

import { SqliteError } from '../core/errors.js';
import { cabiLower, type GuestOptions } from './cabi-lower.js';
import { Guest } from './guest.js';
import { sqliteError, type Variant } from './layout.js';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** `record sqlite-error` of interface types. */
export interface WitError {
  code: number;
  extendedCode: number;
  message: string;
}

/** Turns an SqliteError into a WIT error. Any other exception is a fault and is rethrown. */
export function witError(error: unknown): WitError {
  if (!(error instanceof SqliteError)) throw error;
  return { code: error.errcode & 0xff, extendedCode: error.errcode, message: error.message };
}

/** A host function throws this to return the error case of its result. jco reads `payload`. */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly payload: WitError;

  constructor(payload: WitError) {
    super(payload.message);
    this.payload = payload;
  }
}

/** Calls `action`. An SqliteError becomes the error case of a WIT result. */
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
 * Gives a function of an interface a second form for jco, which reads and writes the component's memory itself.
 *
 * @param memory the component's memory limit, in bytes
 * @param lowered makes the function that takes core values, once for each instance of a component
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
 * Answers a component's direct call. Writes the result to `out`: `action` writes the payload of the ok case; an
 * SqliteError that it throws becomes the error case. Any other exception is a fault and is rethrown.
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
 * Whether the result that a component returned at an address is the ok case.
 *
 * @throws RangeError if the result is not aligned, not all in the component's memory, or of an unknown case
 */
export function isOk(guest: Guest, address: number, { size, align }: Variant): boolean {
  const { view } = guest;
  if (address + size > view.byteLength || address % align !== 0) {
    throw new RangeError('the component returned an address that is outside its memory or not aligned');
  }
  const kind = view.getUint8(address);
  if (kind > 1) throw new RangeError(`the component returned a result of the unknown kind ${kind}`);
  return kind === 0;
}

/** Reads the error of a failed result that a component returned at an address. */
export const failureAt = (guest: Guest, address: number, { payload }: Variant): WitError =>
  errorAt(guest, address + payload);

/** The error of the result that a component returned at an address; undefined if the result is ok. */
export const failureOf = (guest: Guest, address: number, type: Variant): WitError | undefined =>
  isOk(guest, address, type) ? undefined : failureAt(guest, address, type);
