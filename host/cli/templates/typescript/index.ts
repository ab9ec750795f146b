/** The exports of the component: one object for each interface of its world. */

import type { Functions as Metadata } from './types/metadata.js';

export const metadata: Metadata = {
  describe: () => ({ name: 'EXTENSION_NAME', version: '0.1.0' }),
};
