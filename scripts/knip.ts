/** What knip, which finds unused files, exports and dependencies, cannot know by itself. */

import type { KnipConfig } from 'knip';
import { entries } from './entries.js';

const config: KnipConfig = {
  entry: [
    ...entries.map((name) => `host/${name}.ts`),
    // Commands that package.json or a document names, and programs that others start by their path.
    'scripts/*.ts',
    'scripts/sqlite-tests/bridge.ts',
    'scripts/bench/work.ts',
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
    // Users' programs: what `new-extension` writes.
    'host/cli/templates/**',
    // Generated of the WIT and of C headers: everything there is, used or not.
    'host/abi/generated/**',
    'host/interfaces/contract.ts',
    'host/core/constants.ts',
  ],
  ignoreDependencies: [
    // Loaded by its path: host/ knows the files of its parts.
    '@bytecodealliance/preview2-shim',
    // Its data is read by path: scripts/demo.ts.
    'vega-datasets',
    // Installed by the long suites that use them, not by `npm ci`.
    '@bytecodealliance/componentize-js',
    'knex',
  ],
  // Programs of the system, without which the tests that use them are skipped.
  ignoreBinaries: ['tclsh', 'apt-get', 'strace', 'mkfifo', 'nats-server'],
  // A Python environment that scripts/migrations makes.
  ignoreUnresolved: ['python/bin/pip'],
  ignoreExportsUsedInFile: true,
};

export default config;
