/** SQLite's error log. */

import { invalidType } from '../kernel/arguments.js';
import { setLogger } from '../kernel/engine-of-thread.js';

/**
 * Has `log` called with what SQLite writes to its error log: events of any database of this thread that no call returns,
 * or that a call returns with less detail, such as a recovered journal, a database that is not well-formed, a statement
 * that was compiled again, or a row that a session cannot apply. `undefined` ends that. What `log` throws is an uncaught
 * exception; it cannot use a database. C: `SQLITE_CONFIG_LOG`.
 *
 * @param log is given the extended result code and the message
 */
export function setErrorLog(log: ((code: number, message: string) => void) | undefined): void {
  if (log !== undefined && typeof log !== 'function') {
    throw invalidType('The "log" argument must be a function or undefined.');
  }
  setLogger(log);
}
