/** The errors of changesets. Nothing else is thrown here, except for mistakes in the caller's program. */

/** Why bytes, a document or changes are not a changeset. */
export class ChangesetError extends Error {
  override readonly name = 'ChangesetError';
  /** One sentence, without the place. */
  readonly reason: string;
  /** The first wrong byte, from 0; undefined if no byte is wrong. */
  readonly offset: number | undefined;

  constructor(reason: string, offset?: number) {
    super(offset === undefined ? reason : `${reason} at byte ${offset}`);
    this.reason = reason;
    this.offset = offset;
  }
}

/** The changeset ends too early: `size` is its end. */
export const cutShort = (size: number): ChangesetError =>
  new ChangesetError('the changeset is truncated', size);

/** A mistake in the caller's program: no bytes were given. */
export const notBytes = (): TypeError =>
  Object.assign(new TypeError('The "bytes" argument must be a Uint8Array.'), {
    code: 'ERR_INVALID_ARG_TYPE',
  });

export const noType = (type: number | undefined, offset: number): ChangesetError =>
  new ChangesetError(`unknown value type ${type}`, offset);

export const noOperation = (op: number | undefined, offset: number): ChangesetError =>
  new ChangesetError(`unknown operation ${op}`, offset);

export const noTable = (offset: number): ChangesetError =>
  new ChangesetError('expected T (a changeset) or P (a patchset)', offset);

export const isPatchset = (offset: number): ChangesetError =>
  new ChangesetError('a patchset has no old values, so it has no inverse', offset);
