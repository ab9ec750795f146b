/** The engine that a thread has, unless it runs the shell: with the files of the system, and components as extensions. */

import '../node/platform.js';
import { Engine, type EngineOptions } from '../kernel/engine.js';
import { useEngine } from '../kernel/engine-of-thread.js';
import { nodeFileSystems } from '../node/files.js';
import { componentHost } from './deferred.js';

/**
 * Sets how this thread makes its engine.
 *
 * @param locking `none` to take no file locks
 */
export function useDefaultEngine(options: Pick<EngineOptions, 'interrupted'> = {}, locking?: string): void {
  useEngine(
    () =>
      new Engine({
        fileSystems: nodeFileSystems(locking),
        extensions: (engine) => ({ open: (path) => componentHost().extensionLoader(engine).open(path) }),
        ...options,
      }),
  );
}
