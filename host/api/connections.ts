/** Maps a DatabaseSync to its connection, for modules that DatabaseSync itself imports. */

import { invalidType } from '../kernel/arguments.js';
import type { Connection } from '../kernel/connection.js';

const connections = new WeakMap<object, () => Connection>();

/** Registers the connection of `database`. @param open returns the connection, or throws if the database is closed */
export function keepConnection(database: object, open: () => Connection): void {
  connections.set(database, open);
}

/** Returns the connection of a DatabaseSync. @throws Error (ERR_INVALID_STATE) if the database is closed */
export function connectionOf(database: object): Connection {
  const connection = connections.get(database);
  if (!connection) throw invalidType('The "database" argument must be a DatabaseSync.');
  return connection();
}
