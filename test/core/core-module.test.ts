import { spawnSync } from 'node:child_process';
import { parse } from '@bytecodealliance/jco';
import { expect, it } from 'vitest';
import { compileCore } from '../../host/node/core-module.js';
import { root } from '../../scripts/sources.js';

it('compiles the core, and V8 still refuses invalid modules', async () => {
  const core = compileCore();
  expect(WebAssembly.Module.exports(core).map(({ name }) => name)).toContain('sqlite3_step');
  const module = new Uint8Array(await parse('(module (func (export "f") (result i32) (i32.const 1)))'));
  const constant = module.lastIndexOf(0x41);
  module[constant] = 0x42; // i64.const, so that the type of the result is wrong
  expect(() => new WebAssembly.Module(module)).toThrow(WebAssembly.CompileError);
});

// The tag is a hash of all flags. V8 accepts compiled code that was kept only with the same tag.
it.each([[[]], [['--experimental-wasm-branch-hinting']], [['--freeze-flags-after-init']]])(
  'leaves the flags of V8 as they were: %j',
  (flags: string[]) => {
    const program = `import { cachedDataVersionTag } from 'node:v8';
      const before = cachedDataVersionTag();
      const { DatabaseSync } = await import('sqlite-wasm-run');
      new DatabaseSync(':memory:').close();
      console.log(cachedDataVersionTag() === before);`;
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', program], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(stdout + stderr).toBe('true\n');
  },
);

it('leaves them as they were if threads compile the core at the same time', () => {
  const program = `import { cachedDataVersionTag } from 'node:v8';
    import { Worker } from 'node:worker_threads';
    const before = cachedDataVersionTag();
    const source = "import('sqlite-wasm-run').then(({ DatabaseSync }) => new DatabaseSync(':memory:').close())";
    for (let round = 0; round < 12; round++) {
      const workers = Array.from({ length: 6 }, () => new Worker(source, { eval: true }));
      await Promise.all(workers.map((worker) => new Promise((resolve) => worker.on('exit', resolve))));
    }
    console.log(cachedDataVersionTag() === before);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(stdout + stderr).toBe('true\n');
});
