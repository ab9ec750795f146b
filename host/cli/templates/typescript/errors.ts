/**
 * Makes the SQL statement fail with a result code of SQLite (https://www.sqlite.org/rescode.html) and a message, which
 * should say what was wrong and what was expected. Any other exception ends the component.
 */
export function fail(code: number, message: string): never {
  throw { code, extendedCode: code, message };
}
