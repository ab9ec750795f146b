/** The wasm core: one instance of SQLite and its shell, joined to a host. */

import type { Bindings } from './bindings.js';
import { errorText, type SqliteError, sqliteError } from './errors.js';
import type { Host } from './host-services.js';
import { coreImports } from './imports.js';
import { Memory } from './memory.js';
import { platform } from './platform.js';
import type { WasmFunctions } from './web-assembly.js';

export class Core {
  readonly c: Bindings;
  readonly memory: Memory;
  readonly #fileErrorFor: (code: number) => string | undefined;
  /** Closes all files and releases their locks without writing anything, as the system does when a process ends. */
  readonly closeFiles: () => void;

  /**
   * @param wasi the functions of wasi_snapshot_preview1. Without them the core has no standard streams and no shell,
   *   and every WASI call returns "not supported".
   */
  constructor(host: Host, wasi?: WasmFunctions) {
    let memory: Memory | undefined;
    const imports = coreImports(host, () => memory as Memory); // only the core calls it, so memory is set
    const instance = new WebAssembly.Instance(platform().core(), {
      host: imports.functions,
      wasi_snapshot_preview1: wasi ?? noWasi(),
    });
    this.c = instance.exports as unknown as Bindings;
    memory = new Memory(this.c);
    this.memory = memory;
    this.#fileErrorFor = imports.fileErrorFor;
    this.closeFiles = imports.closeFiles;
    if (wasi) return;
    this.c._initialize();
    this.c.bridge_watch_log();
  }

  /** Makes the error for result code `code` on connection `db`. The message is `said`, or SQLite's own. */
  error(db: number, code: number, said?: string): SqliteError {
    const last = db ? this.c.sqlite3_extended_errcode(db) : 0;
    // Some functions, such as those of sessions, return a code without setting the connection's error code.
    const isLast = (last & 0xff) === (code & 0xff);
    const extended = isLast ? last : code;
    const message = said || (isLast && this.memory.cString(this.c.sqlite3_errmsg(db))) || errorText(code);
    // If SQLite's message is specific, the last file call did not cause the error.
    const isGeneral = message === errorText(extended) || message.startsWith('unable to open database');
    const detail = isGeneral ? this.#fileErrorFor(extended) : undefined;
    const offset = db ? this.c.sqlite3_error_offset(db) : -1;
    return sqliteError(extended, detail ? `${message}: ${detail}` : message, {
      offset: offset < 0 ? undefined : offset,
    });
  }
}

/** WASI error numbers. `badDescriptor` ends wasi-libc's search for preopened directories. */
const badDescriptor = 8;
const notSupported = 58;

function noWasi(): WasmFunctions {
  const functions: Record<string, () => number> = {};
  for (const { module, name } of WebAssembly.Module.imports(platform().core())) {
    if (module !== 'wasi_snapshot_preview1') continue;
    functions[name] = () => (name === 'fd_prestat_get' ? badDescriptor : notSupported);
  }
  functions.proc_exit = () => {
    throw new Error('the core called exit');
  };
  return functions;
}
