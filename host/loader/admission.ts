/** Decides whether a component may be loaded, from its imports and exports, before any of its code runs. */

import { contract } from '../interfaces/contract.js';
import { offers, parseInterface, servesVersion } from '../interfaces/index.js';
import { wasiNeed } from '../interfaces/wasi.js';
import type { CheckedGrants } from '../kernel/grants.js';

/**
 * The interfaces of which a component must export at least one. `writable-table` is not one of them, because it
 * requires `virtual-table`.
 */
export const capabilityNames: readonly string[] = contract.worlds.full.filter(
  (name) => name !== 'writable-table',
);

/**
 * Checks that a component is an extension, and that all of its imports exist.
 *
 * @param path the path that the user gave, for error messages
 * @param component the bytes of the component
 * @throws Error that says what was expected and what was found
 */
export function checkComponent(
  path: string,
  imports: readonly string[],
  exports: readonly string[],
  component: Uint8Array,
): void {
  for (const text of imports) {
    const wanted = parseInterface(text);
    const isWasi = wanted.package.startsWith('wasi:');
    if (isWasi ? wasiNeed(text, component) === 'unknown' : !isOurs(wanted.package, wanted.name)) {
      const names = contract.services.map((name) => `${contract.package}/${name}`);
      throw new Error(
        `${path} imports ${text}, which this host does not offer; it offers ` +
          (isWasi
            ? 'wasi:io, cli, clocks, random, filesystem, sockets and http, all of version 0.2'
            : names.join(', ')),
      );
    }
    if (!isWasi && !servesVersion(wanted.version)) throw new Error(wrongVersion(path, text));
  }
  const own = exports.map(parseInterface).filter((found) => found.package === contract.package);
  for (const found of own) {
    if (!servesVersion(found.version)) {
      throw new Error(wrongVersion(path, `${found.package}/${found.name}@${found.version}`));
    }
  }
  const has = (name: string): boolean => own.some((found) => found.name === name);
  if (!has('metadata') || !capabilityNames.some(has)) {
    const found = exports.filter((name) => name.includes(':'));
    throw new Error(
      `${path} is not an extension: it must export ${contract.package}/metadata@${contract.version} ` +
        `and one of ${capabilityNames.join(', ')}; found ${found.length > 0 ? found.join(', ') : 'no interface'}`,
    );
  }
  if (has('writable-table') && !has('virtual-table')) {
    throw new Error(`${path} exports writable-table without virtual-table, which it requires`);
  }
}

function isOurs(pack: string, name: string): boolean {
  return pack === contract.package && offers(name);
}

function wrongVersion(path: string, found: string): string {
  return `${path} is made for ${found}; this host supports ${contract.package}@${contract.releases.join(', ')}`;
}

/** An import that needs a grant. */
export interface Need {
  readonly import: string;
  /**
   * The part of the import that needs the grant. If `part` is absent, the whole import needs the grant, and the
   * component is not loaded without it.
   */
  readonly part?: string;
  /** The options that grant it, for error messages. */
  readonly remedy: string;
  readonly granted: boolean;
}

const sqlRemedy = '--allow-sql, or grants.sql in code';
const sessionsRemedy = '--allow-sessions, or grants.sessions in code';

/** The parts of an interface that need a grant. A component is loaded even without these grants. */
function partsOf(name: string, { sql, sessions }: CheckedGrants): Omit<Need, 'import'>[] {
  if (name === 'session') {
    return [
      { part: 'sessions of its own', remedy: sqlRemedy, granted: sql !== 'none' },
      { part: "the user's sessions", remedy: sessionsRemedy, granted: sessions },
    ];
  }
  if (name === 'changeset') return [{ part: 'apply', remedy: sqlRemedy, granted: sql === 'rw' }];
  return [];
}

/** The imports of a component that need a grant, and whether they are granted. */
export function needsOf(imports: readonly string[], component: Uint8Array, grants: CheckedGrants): Need[] {
  return imports.flatMap((text): Need[] => {
    const wanted = parseInterface(text);
    if (wanted.package === contract.package) {
      if (wanted.name !== 'spi') {
        return partsOf(wanted.name, grants).map((part) => ({ import: text, ...part }));
      }
      return [{ import: text, remedy: sqlRemedy, granted: grants.sql !== 'none' }];
    }
    switch (wasiNeed(text, component)) {
      case 'fs': {
        const remedy = '--allow-fs DIR, or grants.fs in code';
        return [{ import: text, remedy, granted: grants.fs.length > 0 }];
      }
      case 'net':
        return [{ import: text, remedy: '--allow-net, or grants.net in code', granted: grants.net }];
      default:
        return [];
    }
  });
}

/** @throws Error that names the first import that is not granted, and the option that grants it */
export function checkNeeds(
  path: string,
  imports: readonly string[],
  component: Uint8Array,
  grants: CheckedGrants,
): void {
  const missing = needsOf(imports, component, grants).find(
    (need) => need.part === undefined && !need.granted,
  );
  if (missing) throw new Error(`${path} requires ${missing.import}: allow it with ${missing.remedy}`);
}

/** @param replaced descriptions of what would be replaced. @throws Error if anything would be replaced */
export function refuseReplacing(path: string, replaced: readonly string[]): void {
  const [first, ...others] = replaced;
  if (first === undefined) return;
  const more = others.length > 0 ? `, and ${others.length} more` : '';
  throw new Error(
    `${path} would replace ${first}${more}: allow it with --allow-replace, or grants.replace in code`,
  );
}
