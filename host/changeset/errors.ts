/** What goes wrong with changesets. Nothing else is thrown here, but for mistakes in the caller's program. */

/** Why bytes, a document or changes are no changeset. */
export class ChangesetError extends Error {
  override readonly name = 'ChangesetError';
  /** One sentence, without the place. */
  readonly reason: string;
  /** The first wrong byte, from 0; undefined where no bytes are to blame. */
  readonly offset: number | undefined;

  constructor(reason: string, offset?: number) {
    super(offset === undefined ? reason : `${reason} at byte ${offset}`);
    this.reason = reason;
    this.offset = offset;
  }
}

/** The changeset ends where more must follow: `size` is where it ends. */
export const cutShort = (size: number): ChangesetError =>
  new ChangesetError('the changeset is cut short', size);

export const noType = (type: number | undefined, offset: number): ChangesetError =>
  new ChangesetError(`there is no type ${type} of value`, offset);

export const noOperation = (op: number | undefined, offset: number): ChangesetError =>
  new ChangesetError(`there is no operation ${op}`, offset);

export const noTable = (offset: number): ChangesetError =>
  new ChangesetError('there is neither T (a changeset) nor P (a patchset)', offset);

export const isPatchset = (offset: number): ChangesetError =>
  new ChangesetError('a patchset has no old values, so it has no inverse', offset);
