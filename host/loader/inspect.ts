/** Inspects a component: its imports, exports and required grants, and whether it can be loaded. */

import { readFileSync } from 'node:fs';
import type { HookSet } from '../abi/generated/hooks.js';
import { contract } from '../interfaces/contract.js';
import { parseInterface } from '../interfaces/index.js';
import { wasiNeed } from '../interfaces/wasi.js';
import type { Connection } from '../kernel/connection.js';
import { type CheckedGrants, noGrants } from '../kernel/grants.js';
import { crypto } from '../node/builtins.js';
import { checkNeeds, needsOf } from './admission.js';
import { type Interfaces, interfacesOf, kindOf, notWebAssembly } from './binary.js';
import { Component, messageOf } from './component.js';
import { capabilities, check, locate } from './loader.js';
import { replacements } from './replacements.js';
import { isShipped, prepare } from './transpiled-files.js';

export interface InspectedImport {
  readonly name: string;
  /** Whether the import is available with the given grants. */
  readonly granted: boolean;
  /** The option that grants the import; absent if no grant is needed, or if no grant helps. */
  readonly remedy?: string;
  /** The parts that need separate grants. The component can be loaded without these grants. */
  readonly parts?: readonly { readonly name: string; readonly granted: boolean; readonly remedy: string }[];
}

/** The description that a component gives of itself. */
export interface Described {
  readonly name: string;
  readonly version: string;
  /** Each function as `name(arguments)`, followed by its flags. -1 means any number of arguments. */
  readonly functions: string[];
  readonly aggregates: string[];
  readonly collations: string[];
  readonly tables: string[];
  readonly hooks: string[];
  /** Which of these would replace a built-in function, collation or table. */
  readonly replaces: string[];
}

/** Facts about a component that are read without running it. */
export interface Inspection {
  readonly file: string;
  /** The size in bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly shipped: boolean;
  /** The contract for which the component was made, such as `sqlite:extension@1.0.0`; several if it mixes versions. */
  readonly contracts: string[];
  /** The worlds whose exports the component has, largest first; empty for a custom world. */
  readonly worlds: string[];
  readonly imports: InspectedImport[];
  readonly exports: readonly string[];
  /** Why the component cannot be loaded. */
  readonly refused?: string;
  /** Why the component cannot run without grants. */
  readonly cannotRun?: string;
}

/** The exports of each world of the contract except `metadata`, largest world first. */
const worlds: readonly (readonly [name: string, exports: readonly string[]])[] = Object.entries(
  contract.worlds,
)
  .reverse()
  .sort(([, a], [, b]) => b.length - a.length);

/** Inspects a component without running it. @throws Error if the file does not exist, or is not WebAssembly */
export function inspect(path: string, grants: CheckedGrants): Inspection {
  const file = locate(path);
  const bytes = readFileSync(file);
  const kind = kindOf(bytes);
  if (kind === 'neither') throw notWebAssembly(path, bytes);
  const shipped = isShipped(bytes);
  let interfaces: Pick<Interfaces, 'imports' | 'exports'> = { imports: [], exports: [] };
  let refused: string | undefined;
  let cannotRun: string | undefined;
  try {
    if (kind === 'component') interfaces = interfacesOf(bytes);
    check(path, bytes);
  } catch (error) {
    refused = messageOf(error);
    cannotRun = 'this host does not support it';
  }
  try {
    if (refused === undefined && !shipped) checkNeeds(path, interfaces.imports, bytes, grants);
  } catch (error) {
    refused = messageOf(error);
  }
  if (interfaces.imports.some((name) => wasiNeed(name, bytes) === 'net')) {
    cannotRun ??= 'it requires the network, and inspection does not grant the network';
  }
  const { imports, exports } = interfaces;
  const needs = needsOf(imports, bytes, grants);
  const own = exports.map(parseInterface).filter((found) => found.package === contract.package);
  const has = (name: string): boolean => own.some((found) => found.name === name);
  const versions = [...imports, ...exports]
    .map(parseInterface)
    .filter((name) => name.package === contract.package);
  return {
    file,
    size: bytes.length,
    sha256: crypto().createHash('sha256').update(bytes).digest('hex'),
    shipped,
    contracts: [...new Set(versions.map((name) => `${name.package}@${name.version}`))].sort(),
    worlds: has('metadata') ? worlds.flatMap(([name, wanted]) => (wanted.every(has) ? [name] : [])) : [],
    imports: imports.map((name) => {
      const own = needs.filter((need) => need.import === name);
      const whole = own.find(({ part }) => part === undefined);
      if (whole) return { name, granted: whole.granted || shipped, remedy: whole.remedy };
      const parts = own.map(({ part = '', granted, remedy }) => {
        return { name: part, granted: granted || shipped, remedy };
      });
      const granted = !refused?.includes(name);
      return parts.length > 0 ? { name, granted, parts } : { name, granted };
    }),
    exports,
    ...(refused !== undefined && { refused }),
    ...(cannotRun !== undefined && { cannotRun }),
  };
}

/**
 * Runs the `describe` functions of a component without grants. `connection` should be a temporary connection.
 *
 * @param patience the maximum time to prepare the component, in ms
 * @throws Error that says why it cannot run
 */
export function describe(connection: Connection, path: string, memory: number, patience: number): Described {
  const bytes = readFileSync(locate(path));
  const prepared = prepare(bytes, path, patience);
  const component = new Component(connection, prepared, path, 'wrapped', { ...noGrants, memory });
  /** Calls `describe` of an interface, if the component exports it. */
  const described = <Description>(name: string): Description | undefined => {
    const functions = component.interface<{ describe(): Description }>(name);
    return functions && component.described(path, () => functions.describe());
  };
  const all = (name: string): string[] => (described<Spec[]>(name) ?? []).map(titleOf);
  const names = capabilities.flatMap((capability) => capability(component, path)?.names ?? []);
  return {
    name: component.name,
    version: component.version,
    functions: all('scalar-function'),
    aggregates: all('aggregate-function'),
    collations: all('collation'),
    tables: all('virtual-table'),
    hooks: namesOf(described<HookSet>('hooks') ?? {}),
    replaces: isShipped(bytes) ? [] : replacements(connection, names, () => false),
  };
}

/** The description of a function, a collation or a module. */
interface Spec {
  readonly name: string;
  readonly numArgs?: number;
  readonly options?: object;
}

function titleOf({ name, numArgs, options = {} }: Spec): string {
  return `${name}${numArgs === undefined ? '' : `(${numArgs})`}${flags(options)}`;
}

function namesOf(options: object): string[] {
  return Object.entries(options).flatMap(([name, on]) => (on === true ? [name] : []));
}

function flags(options: object): string {
  return namesOf(options)
    .map((name) => ` ${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`)
    .join('');
}
