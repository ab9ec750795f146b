/** Implements the interface `sqlite:extension/logging@1.0.0`, which writes a component's messages to standard error. */

import type { Functions, Level } from '../abi/generated/logging.js';
import { withDirect } from '../abi/results.js';
import { platform } from '../core/platform.js';
import type { Client } from './client.js';
import { writeMarked } from './marked.js';

const levels: readonly Level[] = ['debug', 'info', 'warning', 'error'];

export function loggingInterface({ name: source }: Client): Functions {
  const write = (level: Level, message: string): void => {
    if (level === 'debug' && !platform().variable('SQLITE_WASM_RUN_DEBUG')) return;
    writeMarked(`${source}: ${level}`, message);
  };
  return {
    log: withDirect(
      write,
      undefined,
      (guest) =>
        (level: number, message: number, length: number): void =>
          write(levels[level] ?? 'error', guest.text(message, length)),
    ),
  };
}
