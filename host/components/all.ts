/** All that the host does for components. */

import '../node/wasi.js';

export { interfaceFor } from '../interfaces/index.js';
export { extensionLoader } from '../loader/loader.js';
