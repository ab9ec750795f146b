/** Internals of the build, for tests that need more than the public API. */

import { join } from 'node:path';
import { dist } from '../../scripts/sources.js';

export const {
  checkGrants,
  compiled,
  connectionOf,
  copyBetween,
  engine,
  Guest,
  Linking,
  linkedCallsModule,
  ownersOf,
  prepare,
  readValue,
  spiInterface,
  stringsModule,
  Views,
  wasiFiles,
} = (await import(join(dist, 'internals.js'))) as typeof import('../../host/internals.js');
