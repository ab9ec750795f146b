import { spawnSync } from 'node:child_process';
import { parse } from '@bytecodealliance/jco';
import { expect, it } from 'vitest';
import { compileCore } from '../../host/node/core-module.js';
import { root } from '../../scripts/sources.js';

it('compiles the core without leaving settings of V8 to other modules', async () => {
  const core = compileCore();
  expect(WebAssembly.Module.exports(core).map(({ name }) => name)).toContain('sqlite3_step');
  const module = new Uint8Array(await parse('(module (func (export "f") (result i32) (i32.const 1)))'));
  const constant = module.lastIndexOf(0x41);
  module[constant] = 0x42; // i64.const, so that the type of the result is wrong
  expect(() => new WebAssembly.Module(module)).toThrow(WebAssembly.CompileError);
});

it('leaves the flags of V8 as they were, so that V8 accepts code that another process kept', () => {
  const run = (text: string, input = ''): string => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
      cwd: root,
      input,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout;
  };
  const code = run(`import { Script } from 'node:vm';
    process.stdout.write(new Script('(() => 1)').createCachedData().toString('base64'));`);
  const rejected = run(
    `import { readFileSync } from 'node:fs';
    import { Script } from 'node:vm';
    import { DatabaseSync } from 'sqlite-wasm-run';
    new DatabaseSync(':memory:').close();
    const cachedData = Buffer.from(readFileSync(0, 'utf8'), 'base64');
    console.log(new Script('(() => 1)', { cachedData }).cachedDataRejected);`,
    code,
  );
  expect(rejected.trim()).toBe('false');
});
