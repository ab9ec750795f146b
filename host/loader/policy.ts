/** What may be linked: read off a component's own lists of imports and exports, before anything of it runs. */

import { contract, offeredNames, offers, parseInterface, servesVersion } from '../interfaces/index.js';

const capabilities = ['scalar-function'];

/**
 * Checks that a component is an extension of our contract and asks for nothing that it may not have.
 *
 * @param path what the user named, for messages
 * @throws Error that says what was wanted and what was found
 */
export function checkComponent(path: string, imports: readonly string[], exports: readonly string[]): void {
  for (const text of imports) {
    const wanted = parseInterface(text);
    if (wanted.package.startsWith('wasi:')) {
      throw new Error(`${path} asks for ${text}, which is not granted: components run without WASI here`);
    }
    if (wanted.package !== contract.package || !offers(wanted.name)) {
      const names = offeredNames().map((name) => `${contract.package}/${name}`);
      throw new Error(
        `${path} imports ${text}, which this host does not offer: there is ${names.join(', ')}`,
      );
    }
    if (!servesVersion(wanted.version)) throw new Error(wrongVersion(path, text));
  }
  const own = exports.map(parseInterface).filter((found) => found.package === contract.package);
  for (const found of own) {
    if (!servesVersion(found.version)) {
      throw new Error(wrongVersion(path, `${found.package}/${found.name}@${found.version}`));
    }
  }
  const missing = ['metadata', ...capabilities].filter((name) => !own.some((found) => found.name === name));
  if (missing.length > 0) {
    const wanted = missing.map((name) => `${contract.package}/${name}@${contract.version}`);
    const found = exports.filter((name) => name.includes(':'));
    throw new Error(
      `${path} is a component of another world: it must export ${wanted.join(' and ')}, ` +
        `found ${found.length > 0 ? found.join(', ') : 'no interface'}`,
    );
  }
}

function wrongVersion(path: string, found: string): string {
  return `${path} is made for ${found}; this host has ${contract.package}@${contract.version}`;
}
