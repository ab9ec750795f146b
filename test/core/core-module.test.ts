import { parse } from '@bytecodealliance/jco';
import { expect, it } from 'vitest';
import { compileCore } from '../../host/node/core-module.js';

it('compiles the core without leaving settings of V8 to other modules', async () => {
  const core = compileCore();
  expect(WebAssembly.Module.exports(core).map(({ name }) => name)).toContain('sqlite3_step');
  const module = new Uint8Array(await parse('(module (func (export "f") (result i32) (i32.const 1)))'));
  const constant = module.lastIndexOf(0x41);
  module[constant] = 0x42; // i64.const, so that the type of the result is wrong
  expect(() => new WebAssembly.Module(module)).toThrow(WebAssembly.CompileError);
});
