/** How the systems differ in what SQLite's files need of them: the other files of this folder ask here. */

export interface System {
  readonly platform: 'linux' | 'darwin' | 'win32';
  /** The call that locks bytes of a file as native SQLite does. */
  readonly locks: 'fcntl' | 'LockFileEx';
  /** Why no file can be mapped into the memory of WebAssembly. Then a WAL database is one connection's at a time. */
  readonly unmappable: string | undefined;
  /** Names of files are written to disk by syncing their folder, and symbolic links are followed to name a journal. */
  readonly posix: boolean;
  /** Whether the tests have run there. */
  readonly tried: boolean;
}

const unmappable = 'files cannot be mapped into the memory of WebAssembly on';

/** The pointers of every one of these have 64 bits, and so have the structures of its system that the locks use. */
const wide = ['x64', 'arm64', 'ppc64', 's390x', 'riscv64', 'loong64'];

/** What a platform offers, or undefined if it is not supported. */
export function systemOf(platform: NodeJS.Platform, arch: string, isBun = false): System | undefined {
  if (!wide.includes(arch)) return undefined;
  const onBun = isBun ? `${unmappable} Bun` : undefined;
  switch (platform) {
    case 'linux':
      return { platform, locks: 'fcntl', unmappable: onBun, posix: true, tried: arch === 'x64' };
    case 'darwin':
      return { platform, locks: 'fcntl', unmappable: onBun, posix: true, tried: false };
    case 'win32':
      // MapViewOfFileEx maps only to addresses where nothing is, and a memory of WebAssembly is all reserved.
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

export const thisSystem = systemOf(process.platform, process.arch, process.versions['bun'] !== undefined);

/** Whether files behave as on Unix here. On a system that is not known they are treated so, too. */
export const isPosix = thisSystem?.posix ?? process.platform !== 'win32';

export const isMac = thisSystem?.platform === 'darwin';
