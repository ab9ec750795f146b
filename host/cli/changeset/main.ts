/** Runs a `changeset` command. A command that must handle signals runs in a worker thread. */

import { isMainThread } from 'node:worker_threads';
import { useDefaultEngine } from '../../components/default-engine.js';
import type { Action, Command, Given } from '../command.js';
import { tick } from '../progress.js';
import { poll, runInThread } from './interruption.js';

/** @param args the arguments after the command's name @returns the exit code */
export function runChangesetCommand(
  command: Command,
  action: Action,
  given: Given,
  args: readonly string[],
): ReturnType<Action['run']> {
  if (action.threaded && isMainThread) return runInThread([command.name, ...args]);
  const interrupted = (): boolean => {
    tick(); // called periodically while a statement runs
    poll();
    return false;
  };
  useDefaultEngine({ interrupted }, given.text('locking'));
  return action.run(given);
}
