/** Configures knip, which finds unused files, exports and dependencies. */

import type { KnipConfig } from 'knip';
import { entryGroups } from './entries.js';

const config: KnipConfig = {
  entry: [
    ...entryGroups.flatMap(({ entries }) => entries).map((name) => `host/${name}.ts`),
    // Commands in package.json or a document, and programs that are started by path.
    'scripts/*.ts',
    'scripts/sqlite-tests/bridge.ts',
    'scripts/bench/work.ts',
    // Built as a script.
    'host/components/all.ts',
    'scripts/branches/count-process.ts',
    'test/**/*.test.ts',
    'test/programs/*.ts',
    'test/examples/*/main.ts',
    'test/kit/file-faults.mjs',
    'test/kit/file-log.mjs',
    // Compiled by `npm run check`, not run.
    'test/api/public-types.ts',
    'extensions/text/text.ts',
  ],
  project: ['host/**/*.ts', 'scripts/**/*.ts', 'test/**/*.{ts,mjs}', 'extensions/**/*.ts'],
  ignore: [
    // Templates of `new-extension`, which are programs of users.
    'host/cli/templates/**',
    // Generated from the WIT and C headers, including parts that are not used.
    'host/abi/generated/**',
    'host/interfaces/contract.ts',
    'host/core/constants.ts',
  ],
  ignoreDependencies: [
    // Loaded by path, because host/ uses its internal files.
    '@bytecodealliance/preview2-shim',
    // scripts/demo.ts reads its data by path.
    'vega-datasets',
    // The long suites install these packages; `npm ci` does not.
    '@bytecodealliance/componentize-js',
    'knex',
  ],
  // System programs. Tests that need them are skipped if they are missing.
  ignoreBinaries: ['tclsh', 'apt-get', 'strace', 'mkfifo', 'nats-server'],
  // scripts/migrations makes this Python environment.
  ignoreUnresolved: ['python/bin/pip'],
  ignoreExportsUsedInFile: true,
};

export default config;
