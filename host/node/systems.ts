/** The differences between operating systems that matter for SQLite's files. */

export interface System {
  readonly platform: 'linux' | 'darwin' | 'win32';
  /** The call with which native SQLite locks bytes of a file. */
  readonly locks: 'fcntl' | 'LockFileEx';
  /**
   * Why files cannot be mapped into the memory of WebAssembly; undefined if they can. Without mapping, only one
   * connection at a time can use a WAL database.
   */
  readonly unmappable: string | undefined;
  /** Whether syncing a folder writes its names to disk, and symbolic links are followed to name a journal. */
  readonly posix: boolean;
  /** Whether the tests have been run on this system. */
  readonly tried: boolean;
}

const unmappable = 'files cannot be mapped into the memory of WebAssembly on';

/** Architectures with 64-bit pointers, for which the structures of the lock calls are known. */
const wide = ['x64', 'arm64', 'ppc64', 's390x', 'riscv64', 'loong64'];

/** The properties of a platform; undefined if it is not supported. */
export function systemOf(platform: NodeJS.Platform, arch: string, onBun = false): System | undefined {
  if (!wide.includes(arch)) return undefined;
  const reason = onBun ? `${unmappable} Bun` : undefined;
  switch (platform) {
    case 'linux':
      return { platform, locks: 'fcntl', unmappable: reason, posix: true, tried: arch === 'x64' };
    case 'darwin':
      return { platform, locks: 'fcntl', unmappable: reason, posix: true, tried: false };
    case 'win32':
      // MapViewOfFileEx can map only to free addresses, but all addresses of a WebAssembly memory are reserved.
      return {
        platform,
        locks: 'LockFileEx',
        unmappable: `${unmappable} Windows`,
        posix: false,
        tried: false,
      };
    default:
      return undefined;
  }
}

export const isBun = process.versions['bun'] !== undefined;

export const thisSystem = systemOf(process.platform, process.arch, isBun);

/** Whether files behave as on Unix. An unknown system is treated as Unix. */
export const isPosix = thisSystem?.posix ?? process.platform !== 'win32';

export const isMac = thisSystem?.platform === 'darwin';
