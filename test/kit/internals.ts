/** Internals of the build, for tests that need more than the public API. */

import { join } from 'node:path';
import { dist } from '../../scripts/sources.js';

export const {
  checkGrants,
  connectionOf,
  copyBetween,
  engine,
  Guest,
  ownersOf,
  prepare,
  readValue,
  spiInterface,
  Views,
  wasiFiles,
} = (await import(join(dist, 'internals.js'))) as typeof import('../../host/internals.js');
