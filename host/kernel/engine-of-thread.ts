/** The engine of this thread: one core for all databases that are opened here. */

import type { Engine } from './engine.js';

let make: (() => Engine) | undefined;
let engineOfThread: Engine | undefined;
let logger: Engine['logger'];

/** Sets how the engine of this thread is made when it is first needed. */
export function useEngine(factory: () => Engine): void {
  make = factory;
}

/** The engine, made if it does not exist yet, or cannot be used again. */
export function engine(): Engine {
  if (!engineOfThread || engineOfThread.isLost) {
    engineOfThread?.closeFiles(); // so that none of its locks is in the way
    if (!make) throw new Error('no engine: useEngine was not called');
    engineOfThread = make();
    engineOfThread.logger = logger;
  }
  return engineOfThread;
}

/** Sets what is given SQLite's error log, by this engine and the next ones. */
export function setLogger(log: Engine['logger']): void {
  logger = log;
  engine().logger = log;
}
