/** What changesets are read from. */

import { patchsetMark } from '../changeset/format.js';

/** A changeset, whole or in pieces. */
export type ChangesetInput = Uint8Array | Iterable<Uint8Array>;

/** Tells whether a changeset is a patchset: its first byte does, once it was read. Use the returned input. */
export function marked(input: ChangesetInput): {
  readonly input: ChangesetInput;
  readonly isPatchset: () => boolean;
} {
  if (input instanceof Uint8Array) return { input, isPatchset: () => input[0] === patchsetMark };
  let first: number | undefined;
  const pieces = function* (): Generator<Uint8Array, void, void> {
    for (const piece of input) {
      first ??= piece?.[0];
      yield piece;
    }
  };
  return { input: pieces(), isPatchset: () => first === patchsetMark };
}
