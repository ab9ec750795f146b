/** Runs the shell without a terminal in a worker thread, so that the time of statements can be limited. */

import type { OwnOptions } from './options.js';
import { programName } from './shell.js';
import { Supervisor } from './supervisor.js';

/** Returns the exit code, which is 1 if a statement was terminated. */
export function runSupervised({ args, own }: { args: readonly string[]; own: OwnOptions }): Promise<number> {
  return new Promise((resolve, reject) => {
    new Supervisor({
      own,
      edited: false,
      heard(message) {
        if (message.kind === 'exit') resolve(message.code);
      },
      lost(why) {
        process.stderr.write(`${programName}: ${why}\n`);
        resolve(1);
      },
      failed: reject,
    }).start(args);
  });
}
