/** wasi:filesystem within the folders that were granted. preview2-shim keeps to them; what writes is kept here. */

import type { CheckedGrants } from '../db/grants.js';
import type { Shim, ShimDescriptor } from './shim.js';
import { InputStream, IoError, OutputStream, streamError } from './wasi-io.js';

/** The functions of a descriptor that change something, by their names in JavaScript. */
const writing = [
  'createDirectoryAt',
  'linkAt',
  'removeDirectoryAt',
  'renameAt',
  'setSize',
  'setTimes',
  'setTimesAt',
  'symlinkAt',
  'unlinkFileAt',
  'write',
  'writeViaStream',
  'appendViaStream',
] as const;

/** Those that change nothing. */
const reading = [
  'advise',
  'getFlags',
  'getType',
  'isSameObject',
  'metadataHash',
  'metadataHashAt',
  'openAt',
  'read',
  'readDirectory',
  'readlinkAt',
  'readViaStream',
  'stat',
  'statAt',
  'sync',
  'syncData',
] as const;

/** Those that change something in a second folder as well. */
const reaching = ['linkAt', 'renameAt'] as const;

interface OpenFlags {
  create?: boolean;
  exclusive?: boolean;
  truncate?: boolean;
}
interface DescriptorFlags {
  write?: boolean;
  mutateDirectory?: boolean;
}

/** What a function of a descriptor throws is the case of error-code; anything else is a fault of the shim. */
function codeOf(thrown: unknown): string {
  return typeof thrown === 'string' ? thrown : 'io';
}

class FileInput extends InputStream {
  readonly #file: ShimDescriptor;
  #offset: bigint;

  constructor(file: ShimDescriptor, offset: bigint) {
    super();
    this.#file = file;
    this.#offset = offset;
  }

  override read(length: bigint): Uint8Array {
    if (length === 0n) return new Uint8Array(0);
    let read: [Uint8Array, boolean];
    try {
      read = this.#file.read(length, this.#offset);
    } catch (thrown) {
      throw streamError(new IoError('a file could not be read', codeOf(thrown)));
    }
    if (read[0].length === 0) throw streamError();
    this.#offset += BigInt(read[0].length);
    return read[0];
  }
}

class FileOutput extends OutputStream {
  readonly #file: ShimDescriptor;
  #offset: bigint;

  constructor(file: ShimDescriptor, offset: bigint) {
    super();
    this.#file = file;
    this.#offset = offset;
  }

  override write(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length; ) {
        const count = this.#file.write(bytes.slice(done), this.#offset);
        done += Number(count);
        this.#offset += count;
      }
    } catch (thrown) {
      throw streamError(new IoError('a file could not be written', codeOf(thrown)));
    }
  }
}

/**
 * The two interfaces over the granted folders. Each descriptor gets functions of its own in front of the shim's:
 * streams that cannot end the process, as the shim's do on an error they do not know, and refusals where the
 * folder may only be read.
 *
 * @param adapt makes a stream an instance of the class that jco expects
 */
export function wasiFiles(
  shim: Shim,
  folders: CheckedGrants['fs'],
  adapt: (stream: InputStream | OutputStream) => object,
): { types: object; preopens: object } {
  const readOnly = new WeakSet<ShimDescriptor>();
  const refuse = (): never => {
    throw 'read-only';
  };

  const guarded = (descriptor: ShimDescriptor, isReadOnly: boolean): ShimDescriptor => {
    const { openAt, stat } = descriptor;
    const own: Record<string, unknown> = {
      openAt(follow: object, path: string, open: OpenFlags, flags: DescriptorFlags) {
        const changes = open.create || open.truncate || flags.write || flags.mutateDirectory;
        if (isReadOnly && changes) refuse();
        return guarded(openAt.call(descriptor, follow, path, open, flags), isReadOnly);
      },
      readViaStream: (offset: bigint) => adapt(new FileInput(descriptor, offset)),
      writeViaStream: (offset: bigint) => adapt(new FileOutput(descriptor, offset)),
      appendViaStream: () => adapt(new FileOutput(descriptor, stat.call(descriptor).size)),
    };
    for (const name of reaching) {
      const usual = descriptor[name];
      own[name] = (...args: unknown[]) => {
        if (args.some((argument) => readOnly.has(argument as ShimDescriptor))) refuse();
        return Reflect.apply(usual, descriptor, args);
      };
    }
    if (isReadOnly) {
      readOnly.add(descriptor);
      for (const name of writing) own[name] = refuse;
    }
    return Object.assign(descriptor, own);
  };

  const preopens = Object.fromEntries(folders.map(({ path, host }) => [path, host]));
  const made = shim.createFilesystem({ preopens });
  const directories = made.preopens
    .getDirectories()
    .map(([descriptor, path], index): [ShimDescriptor, string] => [
      guarded(descriptor, folders[index]?.readOnly ?? true),
      path,
    ]);
  return {
    types: { ...made.types, filesystemErrorCode: (error: Partial<IoError>) => error.code },
    preopens: { getDirectories: () => [...directories] },
  };
}

/** The two interfaces where no folder was granted: there is nothing to begin with. */
export function noFiles(): { types: object; preopens: object } {
  class Descriptor {}
  class DirectoryEntryStream {}
  const never = (): never => {
    throw new Error('the component has no descriptor');
  };
  // jco looks at each function that the component imports, though none can ever be called.
  for (const name of [...reading, ...writing]) {
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
  };
}
