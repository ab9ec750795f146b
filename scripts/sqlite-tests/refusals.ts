/** What the API throws, as Tcl's commands of C say it. */

import { SqliteError } from 'sqlite-wasm-run';
import { ChangesetError } from 'sqlite-wasm-run/changeset';
import type { CodeName } from './result-codes.js';

/** What C refuses by a code and the API cannot even be asked. */
export class Refusal extends Error {}

export function refusal(code: string): Refusal {
  return new Refusal(code);
}

/** An error as it goes through the pipe. */
export interface Failure {
  /** What Tcl's command says. */
  readonly text: string;
  /** The name of the result code, if SQLite gave one. */
  readonly code: string;
  readonly message: string;
}

/** Where C hands out a message besides the code, this is where the API has it. */
const messages = [
  /^diff of .*? from '.*?': (?!SQL logic error)(.*)$/s,
  /^build a change of .*?: (invalid change.*|no such table.*)$/s,
];

/** @param isSql whether Tcl's command says the message, rather than the code */
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
  // An argument that cannot be, for which C has no more than this.
  return thrown instanceof TypeError ? 'SQLITE_ERROR' : '';
}
