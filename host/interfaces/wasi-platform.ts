/** The parts of WASI that need the system: folders and the network. */

import type { CheckedGrants } from '../kernel/grants.js';
import type { InputStream, IoError, OutputStream } from './wasi-io.js';

/** `wasi:filesystem/types` and `wasi:filesystem/preopens`. */
export interface WasiFiles {
  readonly types: object;
  readonly preopens: object;
  /** Closes all open files. */
  close(): void;
}

/** The wasi:io classes of a network's streams. */
export interface NetworkIo {
  readonly streams: { InputStream: new () => object; OutputStream: new () => object };
  readonly poll: object;
  readonly error: object;
}

export interface WasiNetwork {
  readonly io: NetworkIo;
  readonly clocks: { readonly monotonicClock: { subscribeDuration(duration: bigint): object } };
  /** The functions of wasi:sockets and wasi:http, by interface name. */
  network(): Record<string, object>;
}

export interface WasiPlatform {
  /**
   * The filesystem interfaces for the granted folders.
   *
   * @param adapt converts a stream to an instance of the class that jco expects
   */
  files(folders: CheckedGrants['fs'], adapt: (stream: InputStream | OutputStream) => object): WasiFiles;
  /** Loads the network modules, once per thread. Loading takes about 20 to 200 ms. */
  network(): WasiNetwork;
}

let used: WasiPlatform | undefined;

export function useWasiPlatform(platform: WasiPlatform): void {
  used = platform;
}

export function wasiPlatform(): WasiPlatform {
  if (!used) throw new Error('no platform for WASI: useWasiPlatform was not called');
  return used;
}

/** The filesystem interfaces if no folder was granted. */
export function noFiles(): WasiFiles {
  const never = (): never => {
    throw new Error('the component has no descriptor');
  };
  // jco reads every function that the component imports, so all must exist, although none can be called without a
  // descriptor.
  const methods = new Proxy({}, { get: () => never });
  class Descriptor {}
  class DirectoryEntryStream {}
  for (const { prototype } of [Descriptor, DirectoryEntryStream]) Object.setPrototypeOf(prototype, methods);
  return {
    types: {
      Descriptor,
      DirectoryEntryStream,
      filesystemErrorCode: (error: Partial<IoError>) => error.code,
    },
    preopens: { getDirectories: () => [] },
    close: () => {},
  };
}
