/** Components of other toolchains: one composed of two components, and one written in JavaScript. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contractVersion, witText } from '../../scripts/wit.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'foreign-'));
  process.env.SQLITE_WASM_RUN_CACHE = join(folder, 'cache');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  delete process.env.SQLITE_WASM_RUN_CALLS;
});

describe.each(['direct', 'linked', 'wrapped'])('a component with another inside, calls %s', (calls) => {
  test('is loaded and answers; both have their memory limited', () => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    const db = new DatabaseSync(':memory:', { allowExtension: true, grants: { memory: 2 ** 21 } });
    db.loadExtension(fileURLToPath(new URL('../guests/composed.wasm', import.meta.url)));
    expect(db.prepare("SELECT reversed('hello') AS v, reversed(1) AS n").get()).toEqual({
      v: 'olleh',
      n: null,
    });
    for (let i = 0; i < 3; i++) {
      const sql = "SELECT length(reversed(replace(hex(zeroblob(150000)), '0', 'x'))) AS v";
      expect(db.prepare(sql).get()).toEqual({ v: 300_000 });
    }
    const large = "SELECT reversed(replace(hex(zeroblob(2000000)), '0', 'x'))";
    expect(() => db.prepare(large).get()).toThrow(
      /^reversed: 4000000 bytes do not fit in a component limited to 2097152/,
    );
    const less = large.replace('2000000', '510000'); // which fits neither of the two beside its own
    expect(() => db.prepare(less).get()).toThrow(/component composed trapped/);
    expect(db.prepare('SELECT 1 AS v').get()).toEqual({ v: 1 });
    db.close();
  });
});

// Making this component takes half a minute and 12 MB, so it is made only on request: npm run test:foreign.
describe.runIf(process.env.SQLITE_WASM_RUN_FOREIGN)('a component written in JavaScript', () => {
  /** A world without `changeset`, because the componentizer does not support its list of an alias. */
  const wit = `package test:guests;
world script {
  import sqlite:extension/spi@${contractVersion};
  import sqlite:extension/logging@${contractVersion};
  export sqlite:extension/metadata@${contractVersion};
  export sqlite:extension/scalar-function@${contractVersion};
}`;
  const source = `
import { execute } from 'sqlite:extension/spi@${contractVersion}';
export const metadata = { describe: () => ({ name: 'script', version: '1.0.0' }) };
const flags = { deterministic: false, directOnly: false, innocuous: false };
export const scalarFunction = {
  describe: () => [
    { id: 1n, name: 'shout', numArgs: 1, options: flags },
    { id: 2n, name: 'ask', numArgs: 2, options: flags },
  ],
  call(id, [first, second]) {
    if (id === 2n) return execute(first.val, [second]).rows[0][0];
    if (first.tag !== 'text') throw { code: 1, extendedCode: 1, message: 'shout wants text' };
    return { tag: 'text', val: first.val.toUpperCase() + '!' };
  },
};`;

  test('is loaded and answers', async () => {
    // The package is installed as a dependency of jco.
    const { componentize } = await import('@bytecodealliance/componentize-js');
    // Its types lack the signature that takes all input as text.
    const make = componentize as unknown as (
      source: string,
      options: object,
    ) => Promise<{ component: Uint8Array }>;
    const { component } = await make(source, {
      witWorld: witText(wit),
      worldName: 'script',
      disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event'],
    });
    const file = join(folder, 'script.wasm');
    writeFileSync(file, component);
    for (const calls of ['direct', 'linked', 'wrapped']) {
      process.env.SQLITE_WASM_RUN_CALLS = calls;
      const db = new DatabaseSync(':memory:', { allowExtension: true, grants: { sql: 'ro' } });
      db.loadExtension(file);
      expect(db.prepare("SELECT shout('héllo') AS v").get()).toEqual({ v: 'HÉLLO!' });
      expect(() => db.prepare('SELECT shout(1)').get()).toThrow('shout wants text');
      expect(db.prepare("SELECT ask('SELECT ?1 + 1', 41) AS v").get()).toEqual({ v: 42 });
      expect(() => db.prepare("SELECT ask('CREATE TABLE t(a)', 1)").get()).toThrow();
      expect(db.prepare("SELECT shout('again') AS v").get()).toEqual({ v: 'AGAIN!' });
      db.close();
    }
  }, 300_000);
});
