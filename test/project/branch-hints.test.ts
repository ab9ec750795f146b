import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from '@bytecodealliance/jco';
import { describe, expect, it } from 'vitest';
import { countingModule, hintsFrom } from '../../scripts/branches/counting.js';
import { formatHints, parseHints, withHints, withoutHints } from '../../scripts/branches/hints.js';
import { root } from '../../scripts/sources.js';

/** Node 20 does not support modules with two memories. */
const countable = Number.parseInt(process.versions.node, 10) >= 22;

const source = `(module
  (import "" "seen" (func $seen (param i32)))
  (memory (export "memory") 1)
  (func $other (param v128) (result i32) (i32x4.extract_lane 2 (local.get 0)))
  (func (export "run") (param $times i32) (result i32)
    (local $i i32) (local $sum i32)
    (loop $next
      (if (i32.eq (local.get $i) (i32.const 500)) (then (call $seen (local.get $i))))
      (if (i32.and (local.get $i) (i32.const 1))
        (then (local.set $sum (i32.add (local.get $sum) (local.get $i))))
        (else (i32.store offset=300 (i32.const 8) (local.get $i))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $times))))
    (local.get $sum)))`;

type Run = (times: number) => number;

function instance(module: Uint8Array, seen: number[] = []): WebAssembly.Exports {
  const compiled = new WebAssembly.Module(module as Uint8Array<ArrayBuffer>);
  return new WebAssembly.Instance(compiled, { '': { seen: (i: number) => seen.push(i) } }).exports;
}

describe('branch hints', () => {
  it.skipIf(!countable)('are what the branches did, and change nothing that the module does', async () => {
    const module = new Uint8Array(await parse(source));
    const seen: number[] = [];
    const { run, hits } = instance(countingModule(module), seen);
    const sum = (run as Run)(50_000);
    expect(seen).toEqual([500]);

    const hints = hintsFrom(module, new BigUint64Array((hits as WebAssembly.Memory).buffer));
    expect([...hints.values()]).toEqual(['-.+']);
    const hinted = withHints(module, parseHints(formatHints(hints)));
    expect(hinted.applied).toBe(1);
    const [section] = WebAssembly.Module.customSections(
      new WebAssembly.Module(hinted.module as Uint8Array<ArrayBuffer>),
      'metadata.code.branch_hint',
    );
    // One function, the third with the import, has two hints: offset, size 1, direction.
    const [functions, index, count, , size, direction] = new Uint8Array(section ?? new ArrayBuffer(0));
    expect([functions, index, count, size, direction]).toEqual([1, 2, 2, 1, 0]);
    expect((instance(hinted.module).run as Run)(50_000)).toBe(sum);
    expect(Buffer.from(withoutHints(hinted.module))).toEqual(Buffer.from(module));
  });

  it.skipIf(!countable)('say nothing about a branch that ran rarely', async () => {
    const module = new Uint8Array(await parse(source));
    const { run, hits } = instance(countingModule(module));
    (run as Run)(100);
    expect(hintsFrom(module, new BigUint64Array((hits as WebAssembly.Memory).buffer)).size).toBe(0);
  });

  it('are left out for a function whose instructions changed', async () => {
    const module = new Uint8Array(await parse(source.replace('i32.lt_u', 'i32.le_u')));
    expect(withHints(module, new Map([['0000000000000000', '-.+']])).applied).toBe(0);
  });

  it('of the core all belong to one of its functions', () => {
    const core = readFileSync(join(root, 'host/core/sqlite3.wasm'));
    const hints = parseHints(readFileSync(join(root, 'host/core/c/branches.txt'), 'utf8'));
    expect(hints.size).toBeGreaterThan(400);
    const made = withHints(withoutHints(core), hints);
    expect(made.applied).toBe(hints.size);
    expect(core.equals(made.module)).toBe(true);
  });
});
