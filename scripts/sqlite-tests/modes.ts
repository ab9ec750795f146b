/** Which functions of the API the tests are run by. */

export const modes = {
  base: 'applyChangeset',
  report: 'apply, with its report',
  strm: 'streams, of one byte a piece',
  codec: 'reading, inverting, joining by the codec',
} as const;

export type Mode = keyof typeof modes;
