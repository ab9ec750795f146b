/** Runs a `changeset` command. A command that must handle signals runs in a worker thread. */

import '../../node/platform.js';
import { isMainThread } from 'node:worker_threads';
import { Engine } from '../../kernel/engine.js';
import { useEngine } from '../../kernel/engine-of-thread.js';
import { extensionLoader } from '../../loader/loader.js';
import { nodeFileSystem } from '../../node/files.js';
import type { Action, Command, Given } from '../command.js';
import { tick } from '../progress.js';
import { poll, runInThread } from './interruption.js';

/** @param args the arguments after the command's name @returns the exit code */
export function runChangesetCommand(
  command: Command,
  action: Action,
  given: Given,
  args: readonly string[],
): number | Promise<number> {
  if (action.threaded && isMainThread) return runInThread([command.name, ...args]);
  const unlocked = nodeFileSystem({ locking: 'none' });
  const usual = given.text('locking') === 'none' ? unlocked : nodeFileSystem({ locking: 'auto' });
  useEngine(
    () =>
      new Engine({
        fileSystems: [usual, unlocked],
        extensions: (engine) => extensionLoader(engine),
        interrupted() {
          tick(); // called periodically while a statement runs
          poll();
          return false;
        },
      }),
  );
  return action.run(given);
}
