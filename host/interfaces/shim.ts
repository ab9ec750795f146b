/** The used parts of preview2-shim, loaded when a component is first granted what they implement. */

import { requireHere } from '../core/package.js';

/** Classes of wasi:io as the shim has them: its sockets make instances of these. */
export interface ShimIo {
  readonly streams: { InputStream: new () => object; OutputStream: new () => object };
  readonly poll: object;
  readonly error: object;
}

export interface Shim {
  readonly io: ShimIo;
  readonly clocks: { readonly monotonicClock: { subscribeDuration(duration: bigint): object } };
  /** wasi:sockets and wasi:http by interface, with the network on. */
  network(): Record<string, object>;
}

interface Modules {
  readonly io: ShimIo;
  readonly clocks: Shim['clocks'];
}

let loaded: Shim | undefined;

/** Loads the shim, once a thread: some 20 to 200 ms, so it is loaded only if needed. */
export function shim(): Shim {
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
