/** Converts exceptions of the API to the errors of Tcl's commands. */

import { SqliteError } from 'sqlite-wasm-run';
import { ChangesetError } from 'sqlite-wasm-run/changeset';
import type { CodeName } from './result-codes.js';

/** An error that C returns for a call that the API does not have. */
export class Refusal extends Error {}

export function refusal(code: string): Refusal {
  return new Refusal(code);
}

/** An error that is sent through the pipe. */
export interface Failure {
  /** The result of the Tcl command. */
  readonly text: string;
  /** The name of the result code, if there is one. */
  readonly code: string;
  readonly message: string;
}

/** The API's message, if the C function also returns a message. */
const messages = [
  /^diff of .*? from '.*?': (?!SQL logic error)(.*)$/s,
  /^build a change of .*?: (invalid change.*|no such table.*)$/s,
];

/** @param isSql whether Tcl's command reports the message, not the code */
export function failure(thrown: unknown, name: CodeName, isSql: boolean): Failure {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = codeOf(thrown, name);
  if (isSql) return { text: message, code, message };
  const said = messages.map((pattern) => pattern.exec(message)?.[1]).find((text) => text !== undefined);
  const text = code === '' ? `the API threw: ${message}` : code;
  return { text: said === undefined ? text : `${text} - ${said}`, code, message };
}

function codeOf(thrown: unknown, name: CodeName): string {
  if (thrown instanceof SqliteError) return name(thrown.errcode);
  if (thrown instanceof Refusal) return thrown.message;
  if (thrown instanceof ChangesetError) {
    if (/mixed/.test(thrown.reason)) return 'SQLITE_ERROR';
    return /changesets differ/.test(thrown.reason) ? 'SQLITE_SCHEMA' : 'SQLITE_CORRUPT';
  }
  // C returns only this code for an invalid argument.
  return thrown instanceof TypeError ? 'SQLITE_ERROR' : '';
}
