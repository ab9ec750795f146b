#!/usr/bin/env node
/** Starts the program with the code that V8 compiled in an earlier run, if this Node has a cache for it. */

import module from 'node:module';
import { join } from 'node:path';
import { privateFolder } from '../node/cache-folder.js';

/** Node has this function since 22.1. It does nothing if NODE_DISABLE_COMPILE_CACHE is set. */
const { enableCompileCache } = module as { enableCompileCache?: (folder: string) => unknown };
if (enableCompileCache) {
  try {
    enableCompileCache(join(privateFolder(), 'compiled'));
  } catch {
    // The program starts without a cache.
  }
}
const { main } = await import('./program.js');
process.exitCode = await main(process.argv.slice(2));
