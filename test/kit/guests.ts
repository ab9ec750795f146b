/** The components that tests load. */

import { fileURLToPath } from 'node:url';

/** The path of test/guests/NAME.wasm. */
export const guest = (name: string): string =>
  fileURLToPath(new URL(`../guests/${name}.wasm`, import.meta.url));
