/** The engine of this thread, which all databases of the thread share. */

import type { Engine } from './engine.js';

let make: (() => Engine) | undefined;
let engineOfThread: Engine | undefined;
let logger: Engine['logger'];

/** Sets the function that makes the engine of this thread. */
export function useEngine(factory: () => Engine): void {
  make = factory;
}

/**
 * Returns the engine. Makes one if there is none, or if an exception made the last one unusable.
 *
 * @throws Error (ERR_INVALID_STATE) while SQLite writes to its error log
 */
export function engine(): Engine {
  const found = present();
  found.refuseInLog();
  return found;
}

function present(): Engine {
  if (!engineOfThread || engineOfThread.isLost) {
    engineOfThread?.closeFiles(); // to release its locks
    if (!make) throw new Error('no engine: useEngine was not called');
    engineOfThread = make();
    engineOfThread.logger = logger;
  }
  return engineOfThread;
}

/** Sets the function that receives SQLite's error log, for this engine and later ones of this thread. */
export function setLogger(log: Engine['logger']): void {
  logger = log;
  present().logger = log;
}
