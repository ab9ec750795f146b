/** Converts the path of a database from the caller's form to SQLite's. */

import { fileURLToPath } from 'node:url';
import { coded, invalidType, invalidValue } from '../kernel/arguments.js';

/** Converts a path, bytes or a `file:` URL to text. @throws TypeError if that is not possible */
export function pathText(path: unknown): string {
  let text: string | undefined;
  if (path instanceof URL && path.protocol !== 'file:') {
    throw coded(new TypeError('The URL must be of scheme file:'), 'ERR_INVALID_URL_SCHEME');
  }
  if (typeof path === 'string') text = path;
  else if (path instanceof Uint8Array) {
    text = Buffer.from(path).toString();
    if (!Buffer.from(text).equals(path)) throw notUtf8(text);
  } else if (path instanceof URL) {
    text = path.search ? path.href : fileURLToPath(path);
  }
  if (text === undefined || text.includes('\0')) {
    throw invalidType('The "path" argument must be a string, Uint8Array, or URL without null bytes.');
  }
  const stored = Buffer.from(text).toString(); // a lone surrogate becomes another character
  if (stored !== text) throw notUtf8(stored);
  return text;
}

/** A lenient decoder could produce the name of another file. */
function notUtf8(text: string): TypeError {
  return invalidValue(`The file name ${text} is not UTF-8; use a link with another name to open it.`);
}

/**
 * Converts a URI for SQLite's shared cache in memory, which is not compiled in, to a URI for the VFS memdb. All
 * connections of the thread that open the same name share the database. Undefined if `path` is not such a URI.
 */
export function sharedMemory(path: string): string | undefined {
  const [, name = '', query = ''] = /^file:([^?#]*)\?([^#]*)/.exec(path) ?? [];
  const asked = new URLSearchParams(query);
  const inMemory = asked.get('mode') === 'memory' || name === ':memory:';
  if (!inMemory || asked.get('cache') !== 'shared') return undefined;
  asked.delete('mode');
  asked.delete('cache');
  asked.set('vfs', 'memdb');
  return `file:/${name.replace(/^\/+/, '') || 'memory'}?${asked}`;
}
