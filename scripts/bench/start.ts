/** From nothing to the first result, process and all. */

import { spawnSync } from 'node:child_process';
import { shell } from './databases.js';
import { print, rounds, short, timed, times } from './measure.js';
import { nativeShell } from './native.js';

export function run(): void {
  const start =
    (command: string, ...args: string[]) =>
    (): number =>
      timed(() => void spawnSync(command, args));
  const native = nativeShell();
  const { node, ours, loading, c } = rounds(
    {
      node: start(process.execPath, '-e', '0'),
      ours: start(process.execPath, shell, ':memory:', 'SELECT 1'),
      loading: start(process.execPath, shell, ':memory:', '.load session', 'SELECT 1'),
      c: native ? start(native, ':memory:', 'SELECT 1') : () => Number.NaN,
    },
    15,
  );
  print(
    'Start, process and all, over node alone',
    ['', 'ratio', 'ms'],
    (
      [
        ['node -e 0', node],
        ["sqlite-wasm-run :memory: 'SELECT 1'", ours],
        ['the same with .load session', loading],
        ['sqlite3, native', c],
      ] as const
    ).map(([name, ms]) => [name, times(ms, node), short(ms)]),
  );
}
