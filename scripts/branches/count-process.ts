/**
 * Imported before a program of this package (`node --import`), makes its core count how branches go. Writes the counts,
 * 64-bit numbers, to a file in the folder that BRANCH_COUNTS names.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { dist } from '../sources.js';
import { countingModule } from './counting.js';
import { withoutHints } from './hints.js';

const core = readFileSync(join(dist, 'core/sqlite3.wasm'));
const counting = countingModule(withoutHints(core)) as Uint8Array<ArrayBuffer>;
const { Module, Instance } = WebAssembly;
const counted: WebAssembly.Memory[] = [];

class CountingModule extends Module {
  constructor(bytes: BufferSource, ...more: []) {
    super(isCore(bytes) ? counting : bytes, ...more);
  }
}

class CountedInstance extends Instance {
  constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    super(module, imports);
    const { hits } = this.exports;
    if (hits instanceof WebAssembly.Memory) counted.push(hits);
  }
}

Object.assign(WebAssembly, { Module: CountingModule, Instance: CountedInstance });

process.on('exit', () => {
  for (const [i, { buffer }] of counted.entries()) {
    writeFileSync(
      join(process.env.BRANCH_COUNTS ?? '.', `${process.pid}-${threadId}-${i}.counts`),
      new Uint8Array(buffer),
    );
  }
});

function isCore(bytes: BufferSource): boolean {
  return (
    ArrayBuffer.isView(bytes) && core.equals(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  );
}
