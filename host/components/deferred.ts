/**
 * Loads what the host does for components when it is first needed. Most programs load no component, and this is a quarter
 * of the code that an import would read. It is a script and not a module, because `loadExtension` cannot wait, and because
 * V8's code for a script can be kept.
 */

import { readFileSync } from 'node:fs';
import type { Extensions } from '../core/host-services.js';
import type { Client } from '../interfaces/client.js';
import type { Engine } from '../kernel/engine.js';
import { type KeptScript, runScript } from '../node/kept-script.js';
import { ownFile } from '../node/package.js';
import { scriptFile, sharedModules } from './shared-modules.js';

export interface ComponentHost {
  /** Loads components as extensions of an engine's connections. */
  extensionLoader(engine: Engine): Extensions;
  /** Makes the functions of one of the host's interfaces. */
  interfaceFor(name: string, client: Client): object;
}

/**
 * The script's value: a function that sets `module.exports` to what all.ts exports. The script runs in V8's main context,
 * and the bundle perhaps in another, such as that of a test runner, so the bundle passes classes that programs test for.
 */
type Load = (
  shared: typeof sharedModules,
  module: { exports?: typeof import('./all.js') },
  require: (name: string) => object | undefined,
  ...classes: readonly [typeof Error, typeof TypeError, typeof RangeError, typeof Uint8Array]
) => void;

let loaded: ComponentHost | undefined;

/**
 * Returns what the host does for components, and loads it if it is not loaded.
 *
 * @throws Error if the file is absent or damaged, or belongs to another version
 */
export function componentHost(): ComponentHost {
  loaded ??= load();
  return loaded;
}

function load(): ComponentHost {
  const file = ownFile(`components/${scriptFile}`);
  const module: Parameters<Load>[1] = {};
  let script: KeptScript;
  try {
    script = runScript(scriptFile, `sqlite-wasm-run/components/${scriptFile}`, readFileSync(file));
    const run = script.value as Load;
    run(sharedModules, module, process.getBuiltinModule, Error, TypeError, RangeError, Uint8Array);
  } catch (error) {
    throw unusable(file, error);
  }
  if (!module.exports) throw unusable(file, new Error('it is damaged'));
  const { extensionLoader, interfaceFor } = module.exports;
  return {
    interfaceFor(name, client) {
      const made = interfaceFor(name, client);
      script.keep();
      return made;
    },
    // A new component may use functions that others do not.
    extensionLoader: (engine) => extensionLoader(engine, { loaded: (isNew) => script.keep(isNew) }),
  };
}

function unusable(file: string, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Error(
    `cannot load ${file} (${why}): install the version of sqlite-wasm-run that this program started with or was bundled with, and start it again`,
    { cause },
  );
}
