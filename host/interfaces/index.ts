/** The interfaces that the host offers, by name, and how a component's import finds its match. */

import { changesetInterface } from './changeset.js';
import type { Client } from './client.js';
import { loggingInterface } from './logging.js';
import { sessionInterface } from './session.js';
import { spiInterface } from './spi.js';

/** The package of our interfaces, the newest release of it that is served here, and all that there were. */
export const contract = {
  package: 'sqlite:extension',
  version: '1.1.0',
  releases: ['1.0.0', '1.1.0'],
} as const;

const offered: Record<string, (client: Client) => object> = {
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

/** Takes `sqlite:extension/session@1.0.0` apart. The version is '' where there is none. */
export function parseInterface(text: string): InterfaceName {
  const [path = '', version = ''] = text.split('@');
  const [pack = '', name = ''] = path.split('/');
  return { package: pack, name, version };
}

/** Whether a component that names `version` is served: the same major number, nothing newer than ours. */
export function servesVersion(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = contract.version.split('.').map(Number);
  const [wantMajor = 0, wantMinor = 0, wantPatch = 0] = version.split(/[.-]/).map(Number);
  if (wantMajor !== major) return false;
  return wantMinor < minor || (wantMinor === minor && wantPatch <= patch);
}

/** Whether the host offers an interface of our package by this name: `types` holds no functions. */
export function offers(name: string): boolean {
  return name === 'types' || Object.hasOwn(offered, name);
}

/** The names of all that is offered. */
export function offeredNames(): string[] {
  return Object.keys(offered);
}

/** One interface's functions, bound to whom they serve. */
export function interfaceFor(name: string, client: Client): object {
  if (name === 'types') return {};
  const make = offered[name];
  if (!make)
    throw new TypeError(`the host offers no interface ${name}: there is ${offeredNames().join(', ')}`);
  return make(client);
}
