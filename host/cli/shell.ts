/** Runs the sqlite3 shell in this thread. */

import '../node/platform.js';
import { homedir } from 'node:os';
import type { WASI } from 'node:wasi';
import { extensionLoader } from '../components/all.js';
import type { Core } from '../core/core.js';
import type { Extensions, Terminal } from '../core/host-services.js';
import { pause } from '../core/pause.js';
import type { WasmFunctions } from '../core/web-assembly.js';
import { Engine } from '../kernel/engine.js';
import { checkGrants } from '../kernel/grants.js';
import { nodeFileSystems } from '../node/files.js';
import { type WasiFunction, withDevices } from './devices.js';
import type { OwnOptions } from './options.js';
import { type Hearing, standardOutput } from './standard-output.js';

/** The shell's name in its messages. */
export const programName = 'sqlite-wasm-run';

export interface ShellOptions {
  /** The shell's arguments, without its own name. */
  readonly args: readonly string[];
  readonly own: OwnOptions;
  readonly terminal: Terminal;
  readonly interrupted?: () => boolean;
  /** Whether to drop output, because the user interrupted it. */
  readonly muted?: () => boolean;
  /** Called when a statement begins and ends, and when a component is loaded outside a statement. */
  readonly statement?: (running: boolean, loads: boolean) => void;
  /** Called once before the shell runs. */
  readonly started?: (core: Core) => void;
}

/** Reports when statements and loads begin and end. A load in a statement is not reported separately. */
class Times {
  readonly #heard: ShellOptions['statement'];
  #runs = false;

  constructor(heard: ShellOptions['statement']) {
    this.#heard = heard;
  }

  statement(running: boolean): void {
    this.#runs = running;
    this.#heard?.(running, false);
  }

  /** Wraps a loader so that its loads are reported. */
  loader({ open }: Extensions): Extensions {
    return {
      open: (path) => {
        const { link } = this.#load(() => open(path));
        return { link: (db) => this.#load(() => link(db)) };
      },
    };
  }

  #load<T>(action: () => T): T {
    if (this.#runs) return action();
    this.#heard?.(true, true);
    try {
      return action();
    } finally {
      this.#heard?.(false, false);
    }
  }
}

/** The exception by which the shell exits. It unwinds the core's stack, and the core is not used again. */
class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** The error numbers of WASI. */
const again = 6;
const brokenPipe = 64;
/** The exit code that a shell reports for a program that SIGPIPE killed, as it kills a native sqlite3. */
const brokenPipeExit = 141;

/** Runs the shell. Returns the exit code. */
export function runShell(options: ShellOptions): number {
  const wasi = makeWasi({ ...process.env, HOME: process.env.HOME ?? homedir() });
  const poll = (): void => {
    if (options.interrupted?.()) engine.core.c.bridge_interrupt();
  };
  const times = new Times(options.statement);
  const engine: Engine = new Engine({
    fileSystems: nodeFileSystems(options.own.locking),
    extensions: (own) => times.loader(extensionLoader(own, { patience: options.own.timeout })),
    grants: checkGrants(options.own.grants),
    terminal: options.terminal,
    ...(options.interrupted && { interrupted: options.interrupted }),
    ...(options.statement && { statement: (running) => times.statement(running) }),
    wasi: imports(wasi, () => engine.core.c.memory, { poll, muted: options.muted ?? (() => false) }),
  });
  const { c } = engine.core;
  try {
    wasi.initialize({ exports: c });
    options.started?.(engine.core);
    const { count, vector, directory } = putArguments(engine.core, [programName, ...options.args]);
    c.bridge_shell(count, vector, directory);
    return 0;
  } catch (error) {
    if (error instanceof Exit) return error.code;
    throw error;
  }
}

/**
 * Stores argv in new pages of the memory. sqlite3_malloc cannot be used, because it would initialize SQLite before the
 * shell has configured it.
 */
function putArguments(
  { c, memory }: Core,
  args: readonly string[],
): { count: number; vector: number; directory: number } {
  const texts = [...args, process.cwd()].map((text) => Buffer.from(`${text}\0`));
  const table = 4 * (args.length + 1);
  const size = texts.reduce((sum, text) => sum + text.length, table);
  const vector = c.memory.grow(Math.ceil(size / pageSize)) * pageSize;
  memory.renew();
  const { bytes, view } = memory;
  let at = vector + table;
  texts.forEach((text, index) => {
    bytes.set(text, at);
    if (index < args.length) view.setUint32(vector + 4 * index, at, true);
    at += text.length;
  });
  return { count: args.length, vector, directory: at - (texts.at(-1)?.length ?? 0) };
}

const pageSize = 65_536;

/**
 * Makes a node:wasi instance without the warning that node:wasi is experimental, which would appear in the shell's
 * standard error.
 */
function makeWasi(env: NodeJS.ProcessEnv): WASI {
  const emitWarning = process.emitWarning;
  const filtered = (warning: string | Error, ...rest: unknown[]): void => {
    if (rest[0] === 'ExperimentalWarning' && String(warning).includes('WASI')) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  process.emitWarning = filtered;
  try {
    const { WASI } = process.getBuiltinModule('node:wasi');
    return new WASI({ version: 'preview1', env, preopens: { '/': '/' }, returnOnExit: true });
  } finally {
    process.emitWarning = emitWarning;
  }
}

function imports(wasi: WASI, memory: () => WebAssembly.Memory, hearing: Hearing): WasmFunctions {
  const functions = withDevices(wasi.wasiImport as Record<string, WasiFunction>, memory);
  const { fd_read: read, fd_write: write } = functions;
  if (!read || !write) throw new Error('node:wasi has no files');
  // Wait even for a terminal or pipe that another process made non-blocking.
  const patiently =
    (action: WasiFunction): WasiFunction =>
    (...args) => {
      hearing.poll();
      let code = action(...args);
      while (code === again) {
        pause(5);
        hearing.poll();
        code = action(...args);
      }
      return code;
    };
  const patientWrite = patiently(write);
  const standard = standardOutput(memory, (...args) => patientWrite(1, ...args), hearing);
  return {
    ...functions,
    fd_read: patiently(read),
    fd_write(fd: number, ...args: number[]) {
      const code = fd === 1 ? standard(...args) : patientWrite(fd, ...args);
      if (code === brokenPipe) throw new Exit(brokenPipeExit);
      return code;
    },
    proc_exit(code: number) {
      throw new Exit(code);
    },
  };
}
