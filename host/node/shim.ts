/** The parts of preview2-shim that are used. They are loaded when a component with the network grant needs them. */

import type { NetworkIo, WasiNetwork } from '../interfaces/wasi-platform.js';
import { requireHere } from './package.js';

interface Modules {
  readonly io: NetworkIo;
  readonly clocks: WasiNetwork['clocks'];
}

let loaded: WasiNetwork | undefined;

/** Loads the shim once per thread, and only if needed, because loading takes about 20 to 200 ms. */
export function shim(): WasiNetwork {
  // Loading a component is synchronous, so use require(), which supports ES modules since Node 20.19.
  if (!loaded) {
    const { io, clocks } = requireHere('@bytecodealliance/preview2-shim') as Modules;
    const { WASIShim } = requireHere('@bytecodealliance/preview2-shim/instantiation') as {
      WASIShim: new (options: object) => { getImportObject(): Record<string, object> };
    };
    loaded = {
      io,
      clocks,
      network() {
        const options = { sandbox: { preopens: {}, env: {}, args: [], enableNetwork: true } };
        return new WASIShim(options).getImportObject();
      },
    };
  }
  return loaded;
}
