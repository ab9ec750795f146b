/** What may be linked: read off a component's own lists of imports and exports, before anything of it runs. */

import { contract, offeredNames, offers, parseInterface, servesVersion } from '../interfaces/index.js';

/** A component exports at least one of these. */
const capabilities = [
  'scalar-function',
  'aggregate-function',
  'collation',
  'authorizer',
  'hooks',
  'virtual-table',
];

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
  const has = (name: string): boolean => own.some((found) => found.name === name);
  if (!has('metadata') || !capabilities.some(has)) {
    const found = exports.filter((name) => name.includes(':'));
    throw new Error(
      `${path} is a component of another world: it must export ${contract.package}/metadata@${contract.version} ` +
        `and one of ${capabilities.join(', ')}; found ${found.length > 0 ? found.join(', ') : 'no interface'}`,
    );
  }
  if (has('writable-table') && !has('virtual-table')) {
    throw new Error(`${path} exports writable-table without virtual-table, which it goes with`);
  }
}

function wrongVersion(path: string, found: string): string {
  return `${path} is made for ${found}; this host has ${contract.package}@${contract.version}`;
}
