/** Exports internals for the tests and benchmarks. It is built but not published. */

export { Guest } from './abi/guest.js';
export { Linking } from './abi/linked-calls.js';
export { linkedCallsModule } from './abi/linked-calls-module.js';
export { connectionOf } from './api/connections.js';
export { compiled } from './core/compiled.js';
export { stringsModule } from './core/strings-module.js';
export { copyBetween, Views } from './core/views.js';
export { spiInterface } from './interfaces/spi.js';
export { engine } from './kernel/engine-of-thread.js';
export { checkGrants } from './kernel/grants.js';
export { ownersOf } from './kernel/owner.js';
export { readValue } from './kernel/values.js';
export { prepare } from './loader/transpiled-files.js';
export { systemLocks } from './node/system-locks.js';
export { wasiFiles } from './node/wasi-files.js';
export { Copy } from './replica/copy.js';
export { isEmpty, makeCopy } from './replica/found.js';
export { IncomingReader, objectName } from './replica/incoming.js';
export { decodeMessage, digestOf, encodeMessage, entriesOf, transactionsOf } from './replica/message.js';
