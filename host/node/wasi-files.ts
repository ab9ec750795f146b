/**
 * Implements wasi:filesystem for the granted folders. https://github.com/WebAssembly/WASI/tree/v0.2.8/wasip2/filesystem
 */

import {
  closeSync,
  type Dir,
  fdatasyncSync,
  constants as fs,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  opendirSync,
  openSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { InputStream, IoError, OutputStream, streamError } from '../interfaces/wasi-io.js';
import type { WasiFiles } from '../interfaces/wasi-platform.js';
import type { CheckedGrants } from '../kernel/grants.js';
import { call, type Folder, Place, pathOfFolder } from './beneath.js';
import {
  type FileStat,
  type FileType,
  type NewTimestamp,
  secondsOf,
  statOf,
  typeOf,
} from './wasi-file-facts.js';

interface PathFlags {
  symlinkFollow?: boolean;
}
interface OpenFlags {
  create?: boolean;
  directory?: boolean;
  exclusive?: boolean;
  truncate?: boolean;
}
interface DescriptorFlags {
  read?: boolean;
  write?: boolean;
  fileIntegritySync?: boolean;
  dataIntegritySync?: boolean;
  requestedWriteSync?: boolean;
  mutateDirectory?: boolean;
}
/** The error code of an exception: the string that a function of a descriptor throws, `io` for all others. */
function codeOf(thrown: unknown): string {
  return typeof thrown === 'string' ? thrown : 'io';
}

class FileInput extends InputStream {
  readonly #file: Descriptor;
  #offset: bigint;

  constructor(file: Descriptor, offset: bigint) {
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
  readonly #file: Descriptor;
  #offset: bigint;

  constructor(file: Descriptor, offset: bigint) {
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

/** Closes the descriptors that a component did not close. */
const forgotten = new FinalizationRegistry<number>((fd) => {
  try {
    closeSync(fd);
  } catch {} // already closed
});

/** `resource directory-entry-stream` */
class DirectoryEntryStream implements Disposable {
  readonly #store: Store;
  readonly #folder: Dir;
  #closed = false;

  constructor(store: Store, folder: Dir) {
    this.#store = store;
    this.#folder = folder;
    store.open.add(this);
  }

  readDirectoryEntry(): { type: FileType; name: string } | undefined {
    const entry = call(() => this.#folder.readSync());
    return entry ? { type: typeOf(entry), name: entry.name } : undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#store.open.delete(this);
    this.#folder.closeSync();
  }
}

/** The maximum number of files and listings that a component may have open, below the limit of the process. */
const mostOpen = 256;

/** @throws ErrorCode if the component has reached its limit of open files */
function checkRoom({ open }: Store): void {
  if (open.size >= mostOpen) throw 'insufficient-memory';
}

/** The shared state of one component's descriptors. */
interface Store {
  /** Converts a stream to an instance of the class that jco expects. */
  readonly adapt: (stream: InputStream | OutputStream) => object;
  readonly open: Set<{ close(): void }>;
}

/** `resource descriptor`: an open file or folder. A path cannot leave the folder in which it begins. */
class Descriptor implements Disposable {
  readonly #store: Store;
  readonly #fd: number;
  readonly #path: string;
  readonly #type: FileType;
  readonly #flags: DescriptorFlags;
  readonly #readOnly: boolean;
  #closed = false;

  /** @param path the path of the file, for systems without paths to open folders */
  constructor(store: Store, fd: number, path: string, flags: DescriptorFlags, readOnly: boolean) {
    this.#store = store;
    this.#fd = fd;
    this.#path = path;
    this.#type = typeOf(fstatSync(fd, { bigint: true }));
    this.#flags = flags;
    this.#readOnly = readOnly;
    store.open.add(this);
    forgotten.register(this, fd, this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes the descriptor. Can be called more than once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#store.open.delete(this);
    forgotten.unregister(this);
    closeSync(this.#fd);
  }

  openAt(follow: PathFlags, path: string, open: OpenFlags, flags: DescriptorFlags): Descriptor {
    if (open.create || open.truncate || flags.write || flags.mutateDirectory) this.#refuseIfReadOnly();
    checkRoom(this.#store);
    if (flags.fileIntegritySync || flags.dataIntegritySync || flags.requestedWriteSync) throw 'unsupported';
    let how = fs.O_NOFOLLOW | fs.O_NONBLOCK | fs.O_NOCTTY; // do not follow links or wait for a pipe's other end
    how |= flags.write ? (flags.read ? fs.O_RDWR : fs.O_WRONLY) : fs.O_RDONLY;
    if (open.create) how |= fs.O_CREAT;
    if (open.exclusive) how |= fs.O_EXCL;
    if (open.truncate) how |= fs.O_TRUNC;
    if (open.directory || path.endsWith('/')) how |= fs.O_DIRECTORY;
    using place = this.#place(path, follow.symlinkFollow);
    const fd = call(() => openSync(place.path, how, 0o666));
    return new Descriptor(this.#store, fd, place.told, flags, this.#readOnly);
  }

  statAt(follow: PathFlags, path: string): FileStat {
    using place = this.#place(path, follow.symlinkFollow);
    return call(() => statOf(lstatSync(place.path, { bigint: true })));
  }

  setTimesAt(follow: PathFlags, path: string, access: NewTimestamp, modification: NewTimestamp): void {
    this.#refuseIfReadOnly();
    using place = this.#place(path, follow.symlinkFollow);
    call(() => {
      const { atimeNs, mtimeNs } = lstatSync(place.path, { bigint: true });
      lutimesSync(place.path, secondsOf(access, atimeNs), secondsOf(modification, mtimeNs));
    });
  }

  createDirectoryAt(path: string): void {
    this.#refuseIfReadOnly();
    using place = this.#place(path.replace(/\/+$/, ''), false);
    call(() => mkdirSync(place.path));
  }

  removeDirectoryAt(path: string): void {
    this.#refuseIfReadOnly();
    using place = this.#place(path.replace(/\/+$/, ''), false);
    call(() => rmdirSync(place.path));
  }

  unlinkFileAt(path: string): void {
    this.#refuseIfReadOnly();
    using place = this.#place(path.replace(/\/+$/, ''), false);
    call(() => {
      if (path.endsWith('/') && !lstatSync(place.path).isDirectory()) throw 'not-directory';
      unlinkSync(place.path);
    });
  }

  renameAt(path: string, target: Descriptor, targetPath: string): void {
    this.#refuseIfReadOnly();
    target.#refuseIfReadOnly();
    using from = this.#place(path.replace(/\/+$/, ''), false);
    using to = target.#place(targetPath.replace(/\/+$/, ''), false);
    call(() => renameSync(from.path, to.path));
  }

  linkAt(follow: PathFlags, path: string, target: Descriptor, targetPath: string): void {
    this.#refuseIfReadOnly();
    target.#refuseIfReadOnly();
    // Some systems follow a symbolic link here, even to a file outside the folder.
    if (process.platform !== 'linux') throw 'unsupported';
    using from = this.#place(path, follow.symlinkFollow);
    using to = target.#place(targetPath, false);
    call(() => linkSync(from.path, to.path));
  }

  symlinkAt(content: string, path: string): void {
    this.#refuseIfReadOnly();
    if (content.startsWith('/')) throw 'not-permitted';
    using place = this.#place(path, false);
    call(() => symlinkSync(content, place.path));
  }

  readlinkAt(path: string): string {
    using place = this.#place(path, false);
    return call(() => readlinkSync(place.path));
  }

  metadataHashAt(follow: PathFlags, path: string): { upper: bigint; lower: bigint } {
    using place = this.#place(path, follow.symlinkFollow);
    const { mtimeNs, ino } = call(() => lstatSync(place.path, { bigint: true }));
    return { upper: mtimeNs, lower: ino };
  }

  readDirectory(): DirectoryEntryStream {
    checkRoom(this.#store);
    const path = pathOfFolder(this.#folder());
    return new DirectoryEntryStream(
      this.#store,
      call(() => opendirSync(path)),
    );
  }

  read(length: bigint, offset: bigint): [Uint8Array, boolean] {
    const bytes = new Uint8Array(Number(length < longestRead ? length : longestRead));
    const count = call(() => readSync(this.#file(), bytes, 0, bytes.length, Number(offset)));
    return [bytes.subarray(0, count), count === 0 && length > 0n];
  }

  write(bytes: Uint8Array, offset: bigint): bigint {
    this.#refuseIfReadOnly();
    return BigInt(call(() => writeSync(this.#file(), bytes, 0, bytes.length, Number(offset))));
  }

  readViaStream(offset: bigint): object {
    this.#file();
    return this.#store.adapt(new FileInput(this, offset));
  }

  writeViaStream(offset: bigint): object {
    this.#refuseIfReadOnly();
    this.#file();
    return this.#store.adapt(new FileOutput(this, offset));
  }

  appendViaStream(): object {
    return this.writeViaStream(this.stat().size);
  }

  setSize(size: bigint): void {
    this.#refuseIfReadOnly();
    call(() => ftruncateSync(this.#file(), Number(size)));
  }

  setTimes(access: NewTimestamp, modification: NewTimestamp): void {
    this.#refuseIfReadOnly();
    call(() => {
      const { atimeNs, mtimeNs } = fstatSync(this.#live(), { bigint: true });
      futimesSync(this.#live(), secondsOf(access, atimeNs), secondsOf(modification, mtimeNs));
    });
  }

  stat(): FileStat {
    return call(() => statOf(fstatSync(this.#live(), { bigint: true })));
  }

  sync(): void {
    call(() => fsyncSync(this.#live()));
  }

  syncData(): void {
    call(() => fdatasyncSync(this.#live()));
  }

  advise(_offset: bigint, _length: bigint, _advice: string): void {
    if (this.#type === 'directory') throw 'bad-descriptor';
  }

  getFlags(): DescriptorFlags {
    return this.#flags;
  }

  getType(): FileType {
    return this.#type;
  }

  isSameObject(other: Descriptor): boolean {
    const [a, b] = [this, other].map((one) => fstatSync(one.#live(), { bigint: true }));
    return a?.dev === b?.dev && a?.ino === b?.ino;
  }

  metadataHash(): { upper: bigint; lower: bigint } {
    const { mtimeNs, ino } = call(() => fstatSync(this.#live(), { bigint: true }));
    return { upper: mtimeNs, lower: ino };
  }

  #live(): number {
    if (this.#closed) throw 'bad-descriptor';
    return this.#fd;
  }

  #file(): number {
    if (this.#type === 'directory') throw 'is-directory';
    return this.#live();
  }

  #folder(): Folder {
    if (this.#type !== 'directory') throw 'not-directory';
    return { fd: this.#live(), path: this.#path };
  }

  #place(path: string, follow = false): Place {
    const folder = this.#folder();
    return call(() => Place.of(folder, path, follow));
  }

  #refuseIfReadOnly(): void {
    if (this.#readOnly) throw 'read-only';
  }
}

/** A granted folder. Disposing of it does nothing, because each call of get-directories returns the same object. */
class Granted extends Descriptor {
  override [Symbol.dispose](): void {}
}

/** The maximum number of bytes that one call reads. */
const longestRead = 1_048_576n;

/**
 * Makes the two interfaces of wasi:filesystem for the granted folders.
 *
 * @param adapt converts a stream to an instance of the class that jco expects
 * @returns the interfaces; `close` closes all open files
 */
export function wasiFiles(
  folders: CheckedGrants['fs'],
  adapt: (stream: InputStream | OutputStream) => object,
): WasiFiles {
  const store: Store = { adapt, open: new Set() };
  const directories = folders.map(({ path, host, readOnly }): [Descriptor, string] => {
    const fd = openSync(host, fs.O_RDONLY | fs.O_DIRECTORY);
    const flags = { read: true, mutateDirectory: !readOnly };
    return [new Granted(store, fd, host, flags, readOnly), path];
  });
  return {
    types: {
      Descriptor,
      DirectoryEntryStream,
      filesystemErrorCode: (error: Partial<IoError>) => error.code,
    },
    preopens: { getDirectories: () => [...directories] },
    close: () => {
      for (const one of [...store.open]) one.close();
    },
  };
}
