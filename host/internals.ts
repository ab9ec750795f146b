/** What the tests and the benchmarks reach into beside the public API. It is built, and not published. */

export { connectionOf } from './api/connections.js';
export { spiInterface } from './interfaces/spi.js';
export { wasiFiles } from './interfaces/wasi-files.js';
export { engine } from './kernel/engine-of-thread.js';
export { checkGrants } from './kernel/grants.js';
export { ownersOf } from './kernel/owner.js';
export { readValue } from './kernel/values.js';
export { prepare } from './loader/prepared.js';
export { systemLocks } from './vfs/locks.js';
