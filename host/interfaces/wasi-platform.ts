/** The parts of WASI that the system implements: folders, and the network. */

import type { CheckedGrants } from '../kernel/grants.js';
import type { InputStream, IoError, OutputStream } from './wasi-io.js';

/** `wasi:filesystem/types` and `wasi:filesystem/preopens`. */
export interface WasiFiles {
  readonly types: object;
  readonly preopens: object;
  /** Closes all that is open. */
  close(): void;
}

/** The classes of wasi:io that a network's streams belong to. */
export interface NetworkIo {
  readonly streams: { InputStream: new () => object; OutputStream: new () => object };
  readonly poll: object;
  readonly error: object;
}

export interface WasiNetwork {
  readonly io: NetworkIo;
  readonly clocks: { readonly monotonicClock: { subscribeDuration(duration: bigint): object } };
  /** wasi:sockets and wasi:http by interface. */
  network(): Record<string, object>;
}

export interface WasiPlatform {
  /**
   * The two interfaces over the granted folders.
   *
   * @param adapt makes a stream an instance of the class that jco expects
   */
  files(folders: CheckedGrants['fs'], adapt: (stream: InputStream | OutputStream) => object): WasiFiles;
  /** Loads the network, once a thread: some 20 to 200 ms. */
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

/** The functions of a descriptor, by their names in JavaScript. */
const methods = [
  'advise',
  'appendViaStream',
  'createDirectoryAt',
  'getFlags',
  'getType',
  'isSameObject',
  'linkAt',
  'metadataHash',
  'metadataHashAt',
  'openAt',
  'read',
  'readDirectory',
  'readViaStream',
  'readlinkAt',
  'removeDirectoryAt',
  'renameAt',
  'setSize',
  'setTimes',
  'setTimesAt',
  'stat',
  'statAt',
  'symlinkAt',
  'sync',
  'syncData',
  'unlinkFileAt',
  'write',
  'writeViaStream',
] as const;

/** The two interfaces if no folder was granted. */
export function noFiles(): WasiFiles {
  class Descriptor {}
  class DirectoryEntryStream {}
  const never = (): never => {
    throw new Error('the component has no descriptor');
  };
  // jco reads each function that the component imports, although none can ever be called.
  for (const name of methods) {
    Object.defineProperty(Descriptor.prototype, name, { value: never });
  }
  Object.defineProperty(DirectoryEntryStream.prototype, 'readDirectoryEntry', { value: never });
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
