import { patchsetMark } from '../changeset/format.js';

/** A changeset as bytes or in pieces. */
export type ChangesetInput = Uint8Array | Iterable<Uint8Array>;

/** Finds out from the first byte whether the input is a patchset. Read `input` before you call `isPatchset`. */
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
