/** The used parts of preview2-shim, loaded when a component is first granted what they implement. */

import type { NetworkIo, WasiNetwork } from '../interfaces/wasi-platform.js';
import { requireHere } from './package.js';

interface Modules {
  readonly io: NetworkIo;
  readonly clocks: WasiNetwork['clocks'];
}

let loaded: WasiNetwork | undefined;

/** Loads the shim, once a thread: some 20 to 200 ms, so it is loaded only if needed. */
export function shim(): WasiNetwork {
  // Loading a component is synchronous, and so is this: Node has required ES modules since 20.19.
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
