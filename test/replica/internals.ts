/** What tests of replicas reach into, with the types of the build, which are those of `sqlite-wasm-run` here. */

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
