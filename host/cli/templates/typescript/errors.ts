/**
 * Ends the SQL statement with a result code of SQLite (https://www.sqlite.org/rescode.html) and a sentence: what
 * was wrong, what was wanted. Anything else that is thrown ends the component.
 */
export function fail(code: number, message: string): never {
  throw { code, extendedCode: code, message };
}
