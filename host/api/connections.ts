/** Maps a database of the API to its connection, for modules that the database itself uses. */

import { invalidType } from '../kernel/arguments.js';
import type { Connection } from '../kernel/connection.js';

const connections = new WeakMap<object, () => Connection>();

/** Registers how to get the connection of `database`. @param open throws if it is closed */
export function keepConnection(database: object, open: () => Connection): void {
  connections.set(database, open);
}

/** The connection behind an open DatabaseSync. @throws Error (ERR_INVALID_STATE) if it is closed */
export function connectionOf(database: object): Connection {
  const connection = connections.get(database);
  if (!connection) throw invalidType('The "database" argument must be a DatabaseSync.');
  return connection();
}
