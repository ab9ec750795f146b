/** Implements `new-extension NAME`, which creates a folder with an extension, its build and its test. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { contract } from '../interfaces/contract.js';
import { ownFile } from '../node/package.js';
import type { Action } from './command.js';
import { usageError } from './exit.js';
import { installedFrom } from './installed-from.js';
import { print } from './output.js';

const worlds: Readonly<Record<string, readonly string[]>> = contract.worlds;

/** The dependencies of a generated folder, in versions that were tested. */
const tools: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  c: { '@bytecodealliance/jco-transpile': '0.15.0', '@yowasp/clang': '22.0.0-git20542-10' },
  typescript: { 'componentize-qjs': '0.4.5', typescript: '7.0.2' },
};

const oldestNode: Readonly<Record<string, string>> = { c: '>=20.19', typescript: '>=22' };

const languages = Object.keys(tools);

const notes = `Cost of a function of one text, measured in one run on Node 24:
  c           18 KB; first .load 0.5 s, later 14 ms; memory 0.1 MB; a call 0.2 us
  typescript  1.1 MB; first .load 0.9 s, later 25 ms; memory 1.4 MB; a call 11 us
JavaScript through componentize-js, which this command does not generate, takes
12.5 MB, 1.7 s, 120 ms, 9.1 MB and 170 us.
`;

export const newExtension: Action = {
  operands: 'NAME',
  options: {
    world: {
      value: 'WORLD',
      choices: Object.keys(worlds),
      help: `the world of the extension: ${Object.keys(worlds).join(', ')}; default: minimal, for scalar functions`,
    },
    language: {
      value: 'LANGUAGE',
      choices: languages,
      help: 'c, the default, or typescript; components in TypeScript contain an interpreter and need Node 22 or later',
    },
  },
  notes,
  run(given) {
    const [name = ''] = given.rest;
    checkName(name);
    const world = given.text('world') ?? 'minimal';
    const language = given.text('language') ?? 'c';
    makeFolder({ name, world, language });
    print(
      `${name}: a component of world ${world} in ${language}. Now run\n` +
        `cd ${name} && npm install && npm run build && npm test\n`,
    );
  },
};

interface Request {
  readonly name: string;
  readonly world: string;
  readonly language: string;
}

/** Checks a name. @throws CommandError if it cannot be the name of a package and of a folder on every system */
function checkName(name: string): void {
  if (!/^[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?$/.test(name)) {
    throw usageError(
      `"${name}" cannot be the name of an extension: a name has 1 to 100 of the characters a-z 0-9 . _ - ` +
        'and begins and ends with a letter or digit',
    );
  }
  const taken = [
    'node_modules',
    'favicon.ico',
    'sqlite-wasm-run',
    ...builtinModules,
    ...Object.values(tools).flatMap(Object.keys),
  ];
  const device = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/.test(name); // on Windows
  if (device || taken.includes(name)) {
    throw usageError(`"${name}" cannot be the name of an extension: the name is reserved; choose another`);
  }
}

const templates = ownFile('cli/templates');
const generated = ownFile('abi/generated');
const packageRoot = ownFile('..');

/** The name of the sample files for an interface. Writable tables have their own sample. */
function sampleOf(name: string, world: string): string {
  const writable = worlds[world]?.includes('writable-table');
  return writable && name.endsWith('-table') ? 'scratch' : name;
}

/** Creates the folder. @throws Error if the folder exists already or cannot be written */
function makeFolder(request: Request): void {
  const files = request.language === 'c' ? cFiles(request) : typescriptFiles(request);
  try {
    mkdirSync(request.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new Error(`${request.name} already exists: choose another name, or move it away`);
  }
  for (const [path, content] of [...files, ...commonFiles(request)]) {
    const target = join(request.name, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
}

type Files = Map<string, string>;

/** Reads a template and inserts the names of the extension. */
function template(path: string, { name, world }: Request): string {
  return readFileSync(join(templates, path), 'utf8')
    .replaceAll('EXTENSION_NAME', name)
    .replaceAll('WORLD_NAME', world)
    .replaceAll('CONTRACT_VERSION', contract.version)
    .replace(/\bWORLD(?=[_.])/g, world.replaceAll('-', '_'));
}

function commonFiles(request: Request): Files {
  const { name, world, language } = request;
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  const manifest = {
    name,
    version: '0.1.0',
    description: 'An extension of SQLite for sqlite-wasm-run',
    private: true,
    type: 'module',
    files: [`${name}.wasm`],
    engines: { node: oldestNode[language] },
    scripts: { build: 'node build.mjs', test: 'node --test' },
    devDependencies: { ...tools[language], 'sqlite-wasm-run': installedFrom(packageRoot, version, name) },
  };
  const files: Files = new Map([
    ['package.json', `${JSON.stringify(manifest, null, 2)}\n`],
    ['README.md', template(`${language}/README.md`, request)],
    ['.gitignore', template(`${language}/gitignore`, request)],
    ['build.mjs', template(`${language}/build.mjs`, request)],
    ['tests/open.mjs', template('test/open.mjs', request)],
    ['wit/world.wit', worldText(request)],
  ]);
  for (const capability of worlds[world] ?? []) {
    const test = `${sampleOf(capability, world)}.test.mjs`;
    files.set(`tests/${test}`, template(`test/${test}`, request));
  }
  const wit = join(packageRoot, 'wit', contract.version);
  for (const file of readdirSync(wit)) {
    files.set(`wit/deps/sqlite-extension/${file}`, readFileSync(join(wit, file), 'utf8'));
  }
  return files;
}

/**
 * The WIT text of the component's world. For TypeScript it lists the imports as comments, because an interpreter
 * imports everything that its world contains.
 */
function worldText({ name, world, language }: Request): string {
  const known = (text: string): string => `${contract.package}/${text}@${contract.version}`;
  const lines = [`include ${known(world)};`];
  if (language === 'typescript') {
    const usesLogging = worlds[world]?.includes('hooks');
    lines.splice(
      0,
      1,
      '// The interfaces that the extension can call. The user must grant `spi` and sessions.',
    );
    for (const service of contract.services) {
      lines.push(`${service === 'logging' && usesLogging ? '' : '// '}import ${known(service)};`);
    }
    lines.push('', ...['metadata', ...(worlds[world] ?? [])].map((text) => `export ${known(text)};`));
  }
  const label = name.replace(/[^a-z0-9]+/g, '-').replace(/(^|-)(?=[0-9])/g, '$1x');
  const body = lines.map((line) => (line === '' ? '' : `  ${line}`)).join('\n');
  return `package local:${label};\n\nworld extension {\n${body}\n}\n`;
}

function cFiles(request: Request): Files {
  const files: Files = new Map();
  const names = ['world.h', 'metadata.c'];
  const shared = ['guest.h'];
  for (const capability of worlds[request.world] ?? []) {
    const sample = sampleOf(capability, request.world);
    if (sample !== 'scratch') names.push(`${sample}.c`);
    else names.push('scratch.h', 'scratch-read.c', 'scratch-write.c');
    if (sample === 'scratch') shared.push('table.h');
    if (sample === 'virtual-table') shared.push('table.h', 'table-function.h');
  }
  for (const name of names) files.set(`src/${name}`, template(`c/${name}`, request));
  const headers = join(packageRoot, 'extensions/shared');
  for (const name of shared) files.set(`src/${name}`, readFileSync(join(headers, name), 'utf8'));
  return files;
}

/** Converts a name such as `virtual-table` to camel case. */
const camel = (name: string): string =>
  name.replace(/-(\w)/g, (_dash, letter: string) => letter.toUpperCase());

function typescriptFiles(request: Request): Files {
  const capabilities = worlds[request.world] ?? [];
  const files: Files = new Map([
    ['tsconfig.json', template('typescript/tsconfig.json', request)],
    ['src/errors.ts', template('typescript/errors.ts', request)],
  ]);
  const exported = capabilities.map((capability) => {
    const sample = sampleOf(capability, request.world);
    files.set(`src/${sample}.ts`, template(`typescript/${sample}.ts`, request));
    return `export { ${camel(capability)} } from './${sample}.js';\n`;
  });
  files.set('src/index.ts', template('typescript/index.ts', request) + exported.join(''));
  for (const file of readdirSync(generated).filter((name) => name.endsWith('.d.ts'))) {
    files.set(`src/types/${file}`, guestTypes(readFileSync(join(generated, file), 'utf8')));
  }
  const modules = contract.services.map(
    (service) =>
      `declare module '${contract.package}/${service}@${contract.version}' {\n` +
      `  const functions: import('./types/${service}.js').Functions;\n  export default functions;\n}\n`,
  );
  files.set('src/imports.d.ts', modules.join(''));
  return files;
}

/**
 * Converts the host's type declarations to those of a guest, in which 64-bit integers are numbers and absent values are
 * null.
 */
function guestTypes(text: string): string {
  return text
    .replace(/^\/\/ Generated from the WIT .*\n\/\/ WIT sha256: .*\n/, '// Generated: do not edit.\n')
    .replaceAll('BigInt64Array', 'Array<number>')
    .replace(/\bbigint\b/g, 'number')
    .replace(/\| undefined\b/g, '| null')
    .replace(/(\w+)\?: ((?!boolean)[^;]+);/g, '$1?: $2 | null;');
}
