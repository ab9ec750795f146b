/** The path by which a database is opened, as callers give it and as SQLite takes it. */

import { fileURLToPath } from 'node:url';
import { coded, invalidType, invalidValue } from '../kernel/arguments.js';

/** The text of a path: of bytes, or of a `file:` URL. @throws TypeError */
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
  const stored = Buffer.from(text).toString(); // half a character becomes another
  if (stored !== text) throw notUtf8(stored);
  return text;
}

/** Decoded leniently, such a name could be that of another file. */
function notUtf8(text: string): TypeError {
  return invalidValue(`The file name ${text} is not UTF-8; use a link with another name to open it.`);
}

/**
 * A URI that names an in-memory database shared by all connections of the thread that open that name, as with SQLite's
 * VFS memdb; undefined if `path` is not such a URI. SQLite's shared cache, which uses this URI, is not compiled in.
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
