/**
 * The functions that the core imports from module "host", in the order of c/host.h. Each function turns numbers into
 * values, calls the host, and converts exceptions into result codes, because a JavaScript exception must not pass
 * through C code.
 */

import {
  SQLITE_CANTOPEN,
  SQLITE_CANTOPEN_FULLPATH,
  SQLITE_ERROR,
  SQLITE_FCNTL_HAS_MOVED,
  SQLITE_FCNTL_SIZE_HINT,
  SQLITE_IOCAP_POWERSAFE_OVERWRITE,
  SQLITE_IOERR,
  SQLITE_IOERR_SHORT_READ,
  SQLITE_NOTFOUND,
  SQLITE_OK,
  SQLITE_OK_LOAD_PERMANENTLY,
  SQLITE_READONLY,
  VFS_DOTFILE,
  VFS_EXCL,
  VFS_NAMEDSEM,
} from './constants.js';
import { FileError, type Host, type Library, type OpenFile } from './host-services.js';
import type { Memory } from './memory.js';
import { pause } from './pause.js';
import { platform } from './platform.js';
import { tableImports } from './table-imports.js';

const usual = 'use unix, which locks as native SQLite does';
/** The message for each VFS of native SQLite that is unavailable. */
const missing: Readonly<Record<number, string>> = {
  [VFS_DOTFILE]: `the VFS unix-dotfile is unavailable: ${usual}, or unix-none if nothing else uses the file`,
  [VFS_EXCL]: `the VFS unix-excl is unavailable: ${usual}, with PRAGMA locking_mode=EXCLUSIVE`,
  [VFS_NAMEDSEM]: `the VFS unix-namedsem is unavailable: ${usual}`,
};

/** A WASI error number. */
const notSupported = 58;
const encoder = new TextEncoder();

/** The imported functions by name, and access to the state they keep between calls. */
export interface CoreImports {
  readonly functions: WebAssembly.ModuleImports;
  /** The message of the last failed file call, if it failed with `code`. */
  fileErrorFor(code: number): string | undefined;
  /** Closes all files and releases their locks without writing anything, as the system does when a process ends. */
  closeFiles(): void;
}

/** @param memory returns the memory once the core is instantiated */
export function coreImports(host: Host, memory: () => Memory): CoreImports {
  const files: (OpenFile | undefined)[] = [];
  const libraries: Library[] = [];
  let fileError: FileError | undefined;
  let extensionError = { path: '', message: '' };

  const failed = (error: unknown): number => {
    const known = error instanceof FileError ? error : new FileError(SQLITE_IOERR, String(error));
    fileError = known;
    return known.code;
  };
  const fileErrorFor = (code: number): string | undefined =>
    fileError?.code === code && fileError.message ? fileError.message : undefined;
  const attempt = (action: () => void): number => {
    try {
      action();
      return SQLITE_OK;
    } catch (error) {
      return failed(error);
    }
  };
  const fileAt = (file: number): OpenFile => {
    const found = files[file];
    if (!found) throw new FileError(SQLITE_IOERR, `file ${file} is not open`);
    return found;
  };
  const text = (pointer: number): string => memory().cString(pointer) ?? '';
  /** Reads a file name. Invalid UTF-8 is an error, because a lenient decoder could produce the name of another file. */
  const fileName = (pointer: number): string | null => {
    try {
      return memory().strictCString(pointer);
    } catch {
      throw new FileError(
        SQLITE_CANTOPEN,
        `the file name ${text(pointer)} is not UTF-8; use a link with another name to open it`,
      );
    }
  };
  const putText = (message: string, room: number, pointer: number): void => {
    if (room < 1) return;
    const start = pointer >>> 0;
    const { written } = encoder.encodeInto(message, memory().bytes.subarray(start, start + room - 1));
    memory().bytes[start + written] = 0;
  };

  const functions = {
    host_open(vfs: number, name: number, flags: number, outFlags: number): number {
      try {
        const system = host.fileSystems[vfs];
        if (!system) throw new FileError(SQLITE_CANTOPEN, missing[vfs] ?? `unknown file system ${vfs}`);
        const opened = system.open(fileName(name), flags);
        let number = files.indexOf(undefined);
        if (number < 0) number = files.length;
        files[number] = opened.file;
        memory().view.setInt32(outFlags >>> 0, opened.flags, true);
        return number;
      } catch (error) {
        return -failed(error);
      }
    },
    host_close(file: number): number {
      return attempt(() => {
        const open = fileAt(file);
        files[file] = undefined;
        open.close();
      });
    },
    host_read(file: number, pointer: number, length: number, offset: number): number {
      try {
        const at = pointer >>> 0;
        const bytes = memory().bytes;
        const read = fileAt(file).read(bytes, at, length, offset);
        if (read === length) return SQLITE_OK;
        bytes.fill(0, at + read, at + length);
        return SQLITE_IOERR_SHORT_READ;
      } catch (error) {
        return failed(error);
      }
    },
    host_write(file: number, pointer: number, length: number, offset: number): number {
      try {
        fileAt(file).write(memory().bytes, pointer >>> 0, length, offset);
        return SQLITE_OK;
      } catch (error) {
        return failed(error);
      }
    },
    host_truncate: (file: number, size: number): number => attempt(() => fileAt(file).truncate(size)),
    host_sync: (file: number, flags: number): number => attempt(() => fileAt(file).sync(flags)),
    host_file_size: (file: number, size: number): number =>
      attempt(() => memory().view.setFloat64(size >>> 0, fileAt(file).size(), true)),
    host_lock(file: number, level: number): number {
      try {
        fileAt(file).lock(level);
        return SQLITE_OK;
      } catch (error) {
        return failed(error);
      }
    },
    host_unlock: (file: number, level: number): number => attempt(() => fileAt(file).unlock(level)),
    host_check_reserved_lock: (file: number, result: number): number =>
      attempt(() => memory().view.setInt32(result >>> 0, Number(fileAt(file).checkReservedLock()), true)),
    host_file_control(file: number, op: number, argument: number): number {
      if (op === SQLITE_FCNTL_SIZE_HINT) return SQLITE_OK;
      if (op !== SQLITE_FCNTL_HAS_MOVED) return SQLITE_NOTFOUND;
      return attempt(() => memory().view.setInt32(argument >>> 0, Number(fileAt(file).hasMoved()), true));
    },
    host_device_characteristics: (_file: number): number => SQLITE_IOCAP_POWERSAFE_OVERWRITE,
    host_shm_open(
      file: number,
      region: number,
      size: number,
      extend: number,
      readOnly: number,
      perMap: number,
    ): number {
      try {
        const found = fileAt(file).walIndex.open(region, size, extend !== 0, readOnly !== 0);
        memory().view.setInt32(perMap >>> 0, found.regions, true);
        return found.readOnly ? SQLITE_READONLY : SQLITE_OK;
      } catch (error) {
        return failed(error);
      }
    },
    host_shm_map: (file: number, pointer: number, length: number, offset: number): number =>
      attempt(() => fileAt(file).walIndex.map(memory().bytes, pointer >>> 0, length, offset)),
    host_shm_lock(file: number, first: number, count: number, flags: number): number {
      try {
        fileAt(file).walIndex.lock(memory().bytes, first, count, flags);
        return SQLITE_OK;
      } catch (error) {
        return failed(error);
      }
    },
    host_shm_close: (file: number, deleteFile: number): number =>
      attempt(() => fileAt(file).walIndex.close(memory().bytes, deleteFile !== 0)),
    host_delete: (name: number, syncDirectory: number): number =>
      attempt(() => host.fileSystems[0]?.delete(fileName(name) ?? '', syncDirectory !== 0)),
    host_access: (name: number, kind: number, result: number): number =>
      attempt(() => {
        const there = host.fileSystems[0]?.access(fileName(name) ?? '', kind) ?? false;
        memory().view.setInt32(result >>> 0, Number(there), true);
      }),
    host_full_pathname: (name: number, room: number, out: number): number =>
      attempt(() => {
        const full = host.fileSystems[0]?.fullPathname(fileName(name) ?? '') ?? '';
        if (encoder.encode(full).length >= room) {
          throw new FileError(SQLITE_CANTOPEN_FULLPATH, `the path is longer than ${room - 1} bytes: ${full}`);
        }
        putText(full, room, out);
      }),

    host_randomness(count: number, pointer: number): number {
      const start = pointer >>> 0;
      platform().fillRandom(memory().bytes, start, count);
      return count;
    },
    host_sleep(microseconds: number): number {
      pause(microseconds / 1000);
      return microseconds;
    },
    host_now: (): number => Date.now(),
    host_localtime(seconds: number, fields: number): number {
      const at = new Date(seconds * 1000);
      const year = at.getFullYear();
      if (Number.isNaN(year)) return 1;
      const offsets = [at, new Date(year, 0, 1), new Date(year, 6, 1)].map((date) =>
        date.getTimezoneOffset(),
      );
      const [now = 0, winter = 0, summer = 0] = offsets;
      const dayOfYear = Math.round(
        (Date.UTC(year, at.getMonth(), at.getDate()) - Date.UTC(year, 0, 1)) / 86_400_000,
      );
      const values = [
        at.getSeconds(),
        at.getMinutes(),
        at.getHours(),
        at.getDate(),
        at.getMonth(),
        year - 1900,
      ];
      values.push(at.getDay(), dayOfYear, Number(now < Math.max(winter, summer)));
      const view = memory().view;
      values.forEach((value, index) => {
        view.setInt32((fields >>> 0) + 4 * index, value, true);
      });
      return 0;
    },
    host_last_error(room: number, pointer: number): number {
      putText(fileError?.message ?? '', room, pointer);
      return fileError?.errno ?? 0;
    },
    host_reason(code: number, room: number, pointer: number): number {
      const reason = fileErrorFor(code);
      putText(reason ?? '', room, pointer);
      return Number(reason !== undefined);
    },

    // SQLite tries NAME and then NAME.so; the user needs the error for NAME.
    host_extension_open(name: number): number {
      const path = text(name);
      if (extensionError.message && path === `${extensionError.path}.so`) return 0;
      try {
        extensionError = { path: '', message: '' };
        return libraries.push(host.extensions.open(path));
      } catch (error) {
        extensionError = { path, message: error instanceof Error ? error.message : String(error) };
        return 0;
      }
    },
    host_extension_error(room: number, pointer: number): void {
      putText(extensionError.message, room, pointer);
      extensionError = { path: '', message: '' };
    },
    host_extension_init(db: number, library: number, error: number): number {
      try {
        const found = libraries[library - 1];
        if (!found) throw new Error(`library ${library} is not open`);
        found.link(db >>> 0);
        return SQLITE_OK_LOAD_PERMANENTLY;
      } catch (thrown) {
        const message = memory().allocateText(thrown instanceof Error ? thrown.message : String(thrown));
        memory().view.setUint32(error >>> 0, message, true);
        return SQLITE_ERROR;
      }
    },

    host_function: (id: number, context: number, count: number, cells: number): number =>
      host.callbacks.call(id, context, count, cells >>> 0),
    host_destroy: (id: number): void => host.callbacks.destroy(id),
    host_closing: (id: number): void => host.callbacks.closing(id),
    host_authorize(id: number, action: number, ...texts: [number, number, number, number]): number {
      const [first, second, database, trigger] = texts.map((at) => memory().cString(at));
      const given = [first ?? null, second ?? null, database ?? null, trigger ?? null] as const;
      return host.callbacks.hooks(id)?.authorize(action, given) ?? SQLITE_OK;
    },
    host_commit: (id: number): number => Number(host.callbacks.hooks(id)?.commit() === false),
    host_rollback: (id: number): void => host.callbacks.hooks(id)?.rollback(),
    host_update: (id: number, op: number, database: number, table: number, rowid: bigint): void =>
      host.callbacks.hooks(id)?.update(op, text(database), text(table), rowid),
    host_wal: (id: number, database: number, pages: number): void =>
      host.callbacks.hooks(id)?.wal(text(database), pages),
    host_grown: (): void => memory().renew(),
    host_log: (code: number, message: number): void => host.callbacks.log(code, text(message)),
    host_compare: (
      id: number,
      leftLength: number,
      left: number,
      rightLength: number,
      right: number,
    ): number => host.callbacks.compare(id, left >>> 0, leftLength, right >>> 0, rightLength),
    host_table_filter: (id: number, table: number): number =>
      Number(host.callbacks.filterTable(id, text(table))),
    host_change_filter: (id: number, iterator: number): number =>
      Number(host.callbacks.filterChange(id, iterator >>> 0)),
    host_conflict: (id: number, kind: number, iterator: number): number =>
      host.callbacks.conflict(id, kind, iterator >>> 0),
    host_stream_input(id: number, pointer: number, length: number): number {
      const room = memory().view.getInt32(length >>> 0, true);
      const read = host.callbacks.streamInput(id, pointer >>> 0, room);
      if (read < 0) return SQLITE_IOERR;
      memory().view.setInt32(length >>> 0, read, true);
      return SQLITE_OK;
    },
    host_stream_output: (id: number, pointer: number, length: number): number =>
      host.callbacks.streamOutput(id, pointer >>> 0, length) ? SQLITE_OK : SQLITE_IOERR,
    host_capture_before: (id: number, statement: number): void =>
      host.callbacks.captureBefore(id, statement >>> 0),
    host_capture_after: (id: number, statement: number, kind: number, code: number): void =>
      host.callbacks.captureAfter(id, statement >>> 0, kind, code),
    host_step: (id: number, context: number, group: number, count: number, cells: number, inverse: number) =>
      host.callbacks.step(id, context, group, count, cells >>> 0, inverse !== 0),
    host_group_value: (id: number, context: number, group: number, final: number): number =>
      host.callbacks.groupValue(id, context, group, final !== 0),

    ...tableImports(host, memory),

    host_interrupted: (): number => Number(host.interrupted()),
    host_statement(running: number): number {
      host.statement?.(running !== 0);
      return Number(host.statement !== undefined);
    },

    host_readline(prompt: number, directory: number): number {
      const line = host.terminal?.readLine(text(prompt), text(directory)) ?? null;
      return line === null ? 0 : memory().allocateText(line);
    },
    host_history_add(line: number): number {
      host.terminal?.addHistory(text(line));
      return 1;
    },
    host_history_load(file: number): number {
      host.terminal?.loadHistory(text(file));
      return 0;
    },
    host_history_save(file: number): number {
      host.terminal?.saveHistory(text(file));
      return 0;
    },
    host_history_stifle(entries: number): number {
      host.terminal?.stifleHistory(entries);
      return 1;
    },
    host_add_completion: (line: number): void => host.terminal?.addCompletion(text(line)),
    host_system: (command: number, directory: number, input: number, output: number): number =>
      host.terminal?.system(text(command), {
        directory: text(directory),
        input: memory().cString(input),
        output: memory().cString(output),
      }) ?? 127,
    host_permissions(path: number, follow: number): number {
      try {
        return host.terminal?.files.permissions(memory().cBytes(path), follow !== 0) ?? -1;
      } catch {
        return -1; // the file does not exist, or a folder above it may not be searched
      }
    },
    host_chmod: (path: number, mode: number): number =>
      host.terminal?.files.changeMode(memory().cBytes(path), mode) ?? notSupported,
    host_mkdir: (path: number, mode: number): number =>
      host.terminal?.files.makeFolder(memory().cBytes(path), mode) ?? notSupported,
    host_symlink: (target: number, path: number): number =>
      host.terminal?.files.makeLink(memory().cBytes(target), memory().cBytes(path)) ?? notSupported,
    host_cpu_usage(pointerToUser: number, pointerToSystem: number): void {
      const { user, system } = platform().cpuTime();
      const { view } = memory();
      view.setFloat64(pointerToUser >>> 0, user, true);
      view.setFloat64(pointerToSystem >>> 0, system, true);
    },
    host_columns: (): number => host.terminal?.columns() ?? -1,
  };

  return {
    functions,
    fileErrorFor,
    closeFiles() {
      for (const [number, file] of files.entries()) {
        if (!file) continue;
        files[number] = undefined; // first, because a descriptor must not be closed twice
        try {
          file.walIndex.close(memory().bytes, false);
        } finally {
          file.close();
        }
      }
    },
  };
}
