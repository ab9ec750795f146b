/** The modes of the tests: which functions of the API they use. */

export const modes = {
  base: 'applyChangeset',
  report: 'apply, with its report',
  strm: 'streams, of one byte a piece',
  codec: 'reading, inverting, joining by the codec',
} as const;

export type Mode = keyof typeof modes;
