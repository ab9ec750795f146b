/** Reads the WIT of this package. It is passed to jco as text, because jco cannot read it from disk. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, sha256 } from './sources.js';

const packageName = 'sqlite:extension';

/** The releases of the contract, the oldest first. */
export const releases: readonly string[] = readdirSync(join(root, 'wit'))
  .filter((name) => /^\d+\.\d+\.\d+$/.test(name))
  .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));

/** The newest release, from which bindings are generated and for which guests are built. */
export const contractVersion = releases.at(-1) ?? '';

export const witFolder = (version = contractVersion): string => join(root, 'wit', version);

/** The files of a release, by name. */
export function witFiles(version = contractVersion): Map<string, string> {
  const names = readdirSync(witFolder(version)).sort();
  return new Map(names.map((name) => [name, readFileSync(join(witFolder(version), name), 'utf8')]));
}

/**
 * Returns a release as one WIT text. If `main`, another package, is given, the release is nested after it, and
 * `@CONTRACT` in `main` is replaced with the release's version.
 */
export function witText(main?: string, version = contractVersion): string {
  const header = `package ${packageName}@${version};`;
  const body = [...witFiles(version)]
    .filter(([name]) => name.endsWith('.wit'))
    .map(([, text]) => text.replace(header, ''))
    .join('');
  if (main === undefined) return header + body;
  return `${main.replaceAll('@CONTRACT', `@${version}`)}\n${header.replace(';', '')} {${body}}\n`;
}

/** The tokens of a WIT, without comments and white space. */
function tokensOf(text: string): string[] {
  const bare = text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, ' ');
  return bare.match(/[\w%-]+|[^\s\w%-]/g) ?? [];
}

/** The digest of a release. It does not include comments, which may change. */
export function witDigest(files: ReadonlyMap<string, string>): string {
  return sha256(...[...files].flatMap(([name, text]) => [name, tokensOf(text).join(' ')]));
}

/** The line in a generated file with the digest of its WIT. */
export const stampOf = (files: ReadonlyMap<string, string>): string => `// WIT sha256: ${witDigest(files)}`;

/** The imports of the worlds of a WIT, and the exports except `metadata`, including those of included worlds. */
export function worldsOf(text: string): Map<string, { imports: string[]; exports: string[] }> {
  const found = new Map<string, { imports: string[]; exports: string[] }>();
  const bare = tokensOf(text).join(' ');
  for (const [, world = '', body = ''] of bare.matchAll(/\bworld ([\w-]+) \{([^}]*)\}/g)) {
    const imports: string[] = [];
    const exports: string[] = [];
    for (const [, what, name = ''] of body.matchAll(/(include|import|export) ([\w-]+) ;/g)) {
      const included = what === 'include' ? found.get(name) : undefined;
      if (what === 'include' && !included)
        throw new Error(`world ${world} includes ${name}, which is not above it`);
      imports.push(...(included?.imports ?? []), ...(what === 'import' ? [name] : []));
      exports.push(...(included?.exports ?? []), ...(what === 'export' && name !== 'metadata' ? [name] : []));
    }
    found.set(world, { imports, exports });
  }
  return found;
}

/** The line length from which the formatter breaks a line. */
const lineWidth = 111;

/** The text of host/interfaces/contract.ts. */
export function contractText(): string {
  const files = witFiles();
  const worlds = [...worldsOf(witText())];
  const quoted = (names: readonly string[]): string => `[${names.map((name) => `'${name}'`).join(', ')}]`;
  const services = worlds.find(([name]) => name === 'services')?.[1].imports ?? [];
  const lines = worlds
    .filter(([, { exports }]) => exports.length > 0)
    .map(([name, { exports }]) => {
      const line = `    ${name.includes('-') ? `'${name}'` : name}: ${quoted(exports)},\n`;
      if (line.length <= lineWidth) return line;
      return line.replace('[', '[\n      ').replaceAll(', ', ',\n      ').replace(']', ',\n    ]');
    });
  return `// Generated from the WIT by scripts/bindings.ts: do not edit.
${stampOf(files)}

/** The contract with components, as its WIT defines it. */
export const contract = {
  package: '${packageName}',
  /** The newest release, which this host implements. */
  version: '${contractVersion}',
  /** All releases, oldest first. */
  releases: ${quoted(releases)},
  /** The interfaces that the host provides, except \`types\`, which has no functions. */
  services: ${quoted(services)},
  /** The exports of each world, except \`metadata\`. */
  worlds: {
${lines.join('')}  },
} as const;

export type Service = (typeof contract.services)[number];
export type World = keyof typeof contract.worlds;
`;
}
