import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { cache, dist } from './scripts/sources.js';

export default defineConfig({
  resolve: {
    alias: [
      { find: /^sqlite-wasm-run$/, replacement: join(dist, 'index.js') },
      { find: /^sqlite-wasm-run\/host$/, replacement: join(dist, 'host.js') },
      { find: /^sqlite-wasm-run\/(.*)$/, replacement: join(dist, '$1/index.js') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: Math.max(2, availableParallelism()),
    // Guests are transpiled once for all files.
    env: { SQLITE_WASM_RUN_CACHE: join(cache, 'components') },
    testTimeout: 60_000,
    hookTimeout: 600_000,
    // Terminals, processes and signals are at the mercy of a busy machine; a second failure is one.
    retry: 1,
    reporters: [
      'default',
      {
        onTestRunEnd(modules) {
          const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
          for (const module of modules) {
            for (const test of module.children.allTests()) {
              counts[test.result().state] += 1;
              if (test.diagnostic()?.flaky) console.log(`passed only when run again: ${test.fullName}`);
            }
            if (module.state() === 'failed' && module.children.size === 0) counts.failed += 1;
          }
          console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
        },
      },
    ],
  },
});
