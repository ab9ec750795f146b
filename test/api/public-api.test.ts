/** The public API: the committed reports of the entries, and the classes that programs cannot construct. */

import { Capture, DatabaseSync, Session, StatementSync } from 'sqlite-wasm-run';
import { expect, test } from 'vitest';
import { report } from '../../scripts/api-report.js';

test('the reports match the declarations, and every type of a signature is exported', () => {
  expect(report(true)).toEqual([]);
});

test.each(['index', 'host', 'changeset', 'replica'])(
  'functions and classes have their exported names: %s',
  async (entry) => {
    const path = entry === 'index' ? 'sqlite-wasm-run' : `sqlite-wasm-run/${entry}`;
    const exported = Object.entries((await import(path)) as Record<string, unknown>);
    const named = exported.flatMap(([name, value]) =>
      typeof value === 'function' ? [[name, value.name]] : [],
    );
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter(([name, own]) => name !== own)).toEqual([]);
  },
);

test.each([
  ['StatementSync', StatementSync],
  ['Session', Session],
  ['Capture', Capture],
])('only a database makes a %s, whatever arguments its constructor gets', (_, made) => {
  using db = new DatabaseSync(':memory:');
  const construct = made as unknown as new (...args: unknown[]) => object;
  const illegal = expect.objectContaining({
    code: 'ERR_ILLEGAL_CONSTRUCTOR',
    message: 'Illegal constructor',
  });
  for (const args of [[], [db], [Symbol('made by a database'), { open: db }, 1n, {}]]) {
    expect(() => new construct(...args)).toThrow(illegal);
  }
  class Derived extends construct {}
  expect(() => new Derived()).toThrow(illegal);
});
