import { invalidType } from '../kernel/arguments.js';
import { setLogger } from '../kernel/engine-of-thread.js';

/**
 * Sets the function that receives SQLite's error log for all databases of this thread; undefined removes it. The log
 * reports events that calls do not return, or return with less detail, such as a recovered journal, a corrupt database,
 * a statement that was compiled again, or a row that a session cannot apply. `log` cannot use a database, and an
 * exception that it throws is uncaught. C: `SQLITE_CONFIG_LOG`.
 *
 * @param log receives the extended result code and the message
 */
export function setErrorLog(log: ((code: number, message: string) => void) | undefined): void {
  if (log !== undefined && typeof log !== 'function') {
    throw invalidType('The "log" argument must be a function or undefined.');
  }
  setLogger(log);
}
