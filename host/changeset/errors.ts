/** The errors of this folder. Wrong arguments throw a TypeError instead. */

/** Thrown if bytes, a JSON document or changes are not a valid changeset. */
export class ChangesetError extends Error {
  override readonly name = 'ChangesetError';
  /** The message without the offset. */
  readonly reason: string;
  /** The offset of the first wrong byte; undefined if the error is not in bytes. */
  readonly offset: number | undefined;

  constructor(reason: string, offset?: number) {
    super(offset === undefined ? reason : `${reason} at byte ${offset}`);
    this.reason = reason;
    this.offset = offset;
  }
}

/** The error for a changeset that ends too early, after `size` bytes. */
export const cutShort = (size: number): ChangesetError =>
  new ChangesetError('the changeset is truncated', size);

export const notBytes = (): TypeError =>
  Object.assign(new TypeError('The "bytes" argument must be a Uint8Array.'), {
    code: 'ERR_INVALID_ARG_TYPE',
  });

export const noType = (type: number | undefined, offset: number): ChangesetError =>
  new ChangesetError(`unknown value type ${type}`, offset);

export const noOperation = (op: number | undefined, offset: number): ChangesetError =>
  new ChangesetError(`unknown operation ${op}`, offset);

const captureMark = [0x43, 0x41, 0x50, 0x54]; // CAPT

export const noTable = (bytes: Uint8Array, offset: number): ChangesetError => {
  const isCapture = captureMark.every((byte, i) => bytes[i] === byte);
  return new ChangesetError(
    `expected T (a changeset) or P (a patchset)${isCapture ? ', not CAPT (a capture)' : ''}`,
    offset,
  );
};

export const isPatchset = (offset: number): ChangesetError =>
  new ChangesetError('a patchset has no old values, so it has no inverse', offset);
