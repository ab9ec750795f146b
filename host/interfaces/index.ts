/** The interfaces that the host offers, by name, and how a component's import finds its match. */

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

/** Takes `sqlite:extension/session@1.0.0` apart. The version is '' if there is none. */
export function parseInterface(text: string): InterfaceName {
  const [path = '', version = ''] = text.split('@');
  const [pack = '', name = ''] = path.split('/');
  return { package: pack, name, version };
}

/** Whether a component that names `version` is supported: the same major number, not newer than ours. */
export function servesVersion(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = contract.version.split('.').map(Number);
  const [wantMajor = 0, wantMinor = 0, wantPatch = 0] = version.split(/[.-]/).map(Number);
  if (wantMajor !== major) return false;
  return wantMinor < minor || (wantMinor === minor && wantPatch <= patch);
}

/** Whether the host offers an interface of our package by this name: `types` holds no functions. */
export function offers(name: string): boolean {
  return name === 'types' || isService(name);
}

function isService(name: string): name is Service {
  return Object.hasOwn(offered, name);
}

/** One interface's functions, bound to a client. */
export function interfaceFor(name: string, client: Client): object {
  if (name === 'types') return {};
  if (!isService(name))
    throw new TypeError(
      `the host does not offer the interface ${name}; it offers ${contract.services.join(', ')}`,
    );
  return offered[name](client);
}
