import { existsSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';

/**
 * Returns the version of this program for the dependencies of a folder, so that npm can install it there: a range if npm
 * installed it from a registry, otherwise the place that npm recorded, such as a tarball. If that is unknown or gone,
 * returns the program's own folder, which npm links.
 *
 * @param root the program's own folder
 * @param folder the folder that depends on it
 */
export function installedFrom(root: string, version: string, folder: string): string {
  const { base, resolved } = recorded(root) ?? {};
  if (resolved !== undefined && /^https?:/.test(resolved)) return `^${version}`;
  if (resolved !== undefined && /^git\b/.test(resolved)) return resolved;
  const path = /^file:(.*)$/.exec(resolved ?? '')?.[1]?.replaceAll('%23', '#');
  const origin = base !== undefined && path !== undefined ? resolve(base, path) : root;
  const place = relative(resolve(folder), existsSync(origin) ? origin : root);
  return `file:${place.split(sep).join('/').replaceAll('#', '%23')}`;
}

/** The source that npm recorded for an installed package, and the folder to which its paths are relative. */
function recorded(root: string): { base: string; resolved: string | undefined } | undefined {
  const parts = root.split(sep);
  for (let at = parts.lastIndexOf('node_modules'); at > 0; at = parts.lastIndexOf('node_modules', at - 1)) {
    const base = parts.slice(0, at).join(sep) || sep;
    try {
      const lock = JSON.parse(readFileSync(join(base, 'node_modules', '.package-lock.json'), 'utf8')) as {
        packages?: Record<string, { resolved?: string }>;
      };
      const found = lock.packages?.[parts.slice(at).join('/')];
      if (found) return { base, resolved: found.resolved };
    } catch {
      // npm did not make this folder. Look for a record in an outer one.
    }
  }
  return undefined;
}
