/**
 * The host's interfaces, bound to a database, for components that a program instantiates itself. Published as
 * `sqlite-wasm-run/host`.
 */

import './node/platform.js';
import { cabiLower, type GuestOptions } from './abi/cabi-lower.js';
import type * as changeset from './abi/generated/changeset.js';
import type * as logging from './abi/generated/logging.js';
import type * as session from './abi/generated/session.js';
import type * as spi from './abi/generated/spi.js';
import type * as types from './abi/generated/types.js';
import { connectionOf } from './api/connections.js';
import type { DatabaseSync } from './api/database.js';
import { componentHost } from './components/deferred.js';
import { contract } from './interfaces/contract.js';
import { checkOptions, invalidState, invalidType, invalidValue } from './kernel/arguments.js';
import { checkGrants, type Grants } from './kernel/grants.js';
import { ownersOf } from './kernel/owner.js';

export type { FolderGrant, Grants } from './kernel/grants.js';
/** The types of each interface of `sqlite:extension`, such as `session.Handle`. */
export type { changeset, logging, session, spi, types };

/** The interfaces of `sqlite:extension` that a component can import, by name. */
export interface HostInterfaces {
  readonly session: session.Functions;
  readonly changeset: changeset.Functions;
  readonly spi: spi.Functions;
  readonly logging: logging.Functions;
}

/** Options of {@link hostInterfaces} and {@link hostImports}. */
export interface HostOptions<Name extends keyof HostInterfaces = keyof HostInterfaces> {
  /** The names of the interfaces to make; all by default. */
  readonly interfaces?: readonly Name[];
  /** The grants for `spi` and for `apply` of `changeset`; by default the database's grants. */
  readonly grants?: Grants;
  /** The label for messages of `logging`; "component" by default. */
  readonly name?: string;
}

/**
 * Returns the functions of the host's interfaces, by the interface's name. Export them from a module of your own, and
 * pass that module to jco: `jco transpile --map 'sqlite:extension/*=./yours.js#*'`.
 *
 * After the database is closed, the functions throw ERR_INVALID_STATE. Closing it deletes remaining sessions.
 *
 * @throws TypeError for an unknown option or interface, or an invalid grant; Error (ERR_INVALID_STATE) if the database is closed
 */
export function hostInterfaces<Name extends keyof HostInterfaces = keyof HostInterfaces>(
  database: DatabaseSync,
  options: HostOptions<Name> = {},
): Pick<HostInterfaces, Name> {
  checkOptions(options, { interfaces: 'any', grants: 'any', name: 'string' });
  const { interfaces = contract.services, grants, name = 'component' } = options;
  if (!Array.isArray(interfaces)) throw invalidType('The "options.interfaces" argument must be an array.');
  const connection = connectionOf(database);
  const granted = checkGrants(grants, connection.grants);
  const made: Record<string, object> = {};
  for (const wanted of interfaces) {
    if (!contract.services.includes(wanted)) {
      throw invalidValue(
        `The "options.interfaces" argument names ${String(wanted)}, which is not one of ${contract.services.join(', ')}.`,
      );
    }
    made[wanted] = guarded(
      componentHost().interfaceFor(wanted, { name, owner: ownersOf(connection).user, grants: granted }),
      () => {
        if (connectionOf(database) !== connection) {
          throw invalidState('the database was closed and opened again: make the interfaces again');
        }
      },
    );
  }
  return made as unknown as Pick<HostInterfaces, Name>;
}

type Call = (...args: never[]) => unknown;
/** A host function for jco, with a second form that uses the guest's memory directly. */
type HostFunction = Call & { readonly [cabiLower]?: (options: GuestOptions) => Call };

/** Wraps functions to call `check` first, because a component may outlive the database. */
function guarded(functions: object, check: () => void): object {
  const first =
    (call: Call): Call =>
    (...args) => {
      check();
      return call(...args);
    };
  return Object.fromEntries(
    Object.entries(functions).map(([name, call]: [string, HostFunction]) => {
      const lower = call[cabiLower];
      const lowered = lower && { [cabiLower]: (options: GuestOptions) => first(lower(options)) };
      return [name, Object.assign(first(call), lowered)];
    }),
  );
}

/**
 * Returns the interfaces as an import object for the `instantiate` function that `jco transpile --instantiation`
 * generates. It has each interface under its full name, without a version and with the version of each release, because
 * jco uses both forms.
 *
 * @throws the errors of {@link hostInterfaces}
 */
export function hostImports(database: DatabaseSync, options: HostOptions = {}): Record<string, object> {
  const imports: Record<string, object> = {};
  for (const [name, functions] of Object.entries(hostInterfaces(database, options))) {
    imports[`${contract.package}/${name}`] = functions;
    for (const release of contract.releases) imports[`${contract.package}/${name}@${release}`] = functions;
  }
  return imports;
}
