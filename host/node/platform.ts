/** Installs the Node implementation of the platform. Each entry of the package imports it for this effect. */

import { isUtf8 } from 'node:buffer';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { usePlatform } from '../core/platform.js';
import { workerThreads } from './builtins.js';
import { compileCore } from './core-module.js';
import { openTemporary } from './files.js';
import { fillRandom } from './random.js';

let core: WebAssembly.Module | undefined;

usePlatform({
  get thread() {
    return workerThreads().threadId;
  },
  core() {
    core ??= compileCore();
    return core;
  },
  fillRandom,
  isUtf8,
  cpuTime: () => process.cpuUsage(),
  temporaryFile: openTemporary,
  folder(path) {
    const absolute = resolve(path);
    return statSync(absolute, { throwIfNoEntry: false })?.isDirectory() ? absolute : undefined;
  },
  variable: (name) => process.env[name],
  writeError: (text) => process.stderr.write(text),
});
