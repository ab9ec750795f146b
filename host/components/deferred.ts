/**
 * Loads what the host does for components when it is first needed. Most programs load no component, and this is a quarter
 * of the code that an import would read. It is a script and not a module, because `loadExtension` cannot wait, and because
 * V8's code for a script can be kept.
 */

import { readFileSync } from 'node:fs';
import type { Extensions } from '../core/host-services.js';
import type { Client } from '../interfaces/client.js';
import type { Engine } from '../kernel/engine.js';
import { runScript } from '../node/kept-script.js';
import { ownFile } from '../node/package.js';
import { sharedModules } from './shared-modules.js';

export interface ComponentHost {
  /** Loads components as extensions of an engine's connections. */
  extensionLoader(engine: Engine): Extensions;
  /** Makes the functions of one of the host's interfaces. */
  interfaceFor(name: string, client: Client): object;
}

/** The script's value: a function that sets `module.exports` to what all.ts exports. */
type Load = (
  shared: typeof sharedModules,
  module: { exports?: typeof import('./all.js') },
  require: (name: string) => object | undefined,
) => void;

let loaded: ComponentHost | undefined;

/** Returns what the host does for components, and loads it if it is not loaded. */
export function componentHost(): ComponentHost {
  loaded ??= load();
  return loaded;
}

function load(): ComponentHost {
  const file = ownFile('components/all.cjs');
  const script = runScript('components', file, readFileSync(file));
  const module: Parameters<Load>[1] = {};
  (script.value as Load)(sharedModules, module, process.getBuiltinModule);
  if (!module.exports) throw new Error(`${file} is damaged: install sqlite-wasm-run again`);
  const { extensionLoader, interfaceFor } = module.exports;
  return {
    interfaceFor,
    // A new component may use functions that others do not.
    extensionLoader: (engine) => extensionLoader(engine, { loaded: (isNew) => script.keep(isNew) }),
  };
}
