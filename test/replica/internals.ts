/** Internals for the tests of replicas, with the types of `sqlite-wasm-run`. */

import { join } from 'node:path';
import { dist } from '../../scripts/sources.js';

export const {
  Copy,
  IncomingReader,
  connectionOf,
  decodeMessage,
  digestOf,
  encodeMessage,
  entriesOf,
  isEmpty,
  makeCopy,
  objectName,
  transactionsOf,
} = (await import(join(dist, 'internals.js'))) as typeof import('../../dist/internals.js');
