/** The interfaces that the host offers, by name, and the rules that match a component's import to one of them. */

import { changesetInterface } from './changeset.js';
import type { Client } from './client.js';
import { contract, type Service } from './contract.js';
import { loggingInterface } from './logging.js';
import { sessionInterface } from './session.js';
import { spiInterface } from './spi.js';

const offered: Readonly<Record<Service, (client: Client) => object>> = {
  session: sessionInterface,
  changeset: changesetInterface,
  spi: spiInterface,
  logging: loggingInterface,
};

export interface InterfaceName {
  readonly package: string;
  readonly name: string;
  readonly version: string;
}

/** Parses a name such as `sqlite:extension/session@1.0.0`. The version is '' if the name has none. */
export function parseInterface(text: string): InterfaceName {
  const [path = '', version = ''] = text.split('@');
  const [pack = '', name = ''] = path.split('/');
  return { package: pack, name, version };
}

/**
 * Whether the host supports components made for `version`: its major number must be the host's, and it must not be
 * newer.
 */
export function servesVersion(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = contract.version.split('.').map(Number);
  const [wantMajor = 0, wantMinor = 0, wantPatch = 0] = version.split(/[.-]/).map(Number);
  if (wantMajor !== major) return false;
  return wantMinor < minor || (wantMinor === minor && wantPatch <= patch);
}

/**
 * Whether the host offers an interface of the package `sqlite:extension`, including `types`, which has no functions.
 */
export function offers(name: string): boolean {
  return name === 'types' || isService(name);
}

function isService(name: string): name is Service {
  return Object.hasOwn(offered, name);
}

export function interfaceFor(name: string, client: Client): object {
  if (name === 'types') return {};
  if (!isService(name))
    throw new TypeError(
      `the host does not offer the interface ${name}; it offers ${contract.services.join(', ')}`,
    );
  return offered[name](client);
}
