/** The host's interfaces linked into a component of somebody else's world. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { DatabaseSync, hostImports } from 'sqlite-wasm-run';
import { expect, test } from 'vitest';

interface Capture {
  start(): bigint;
  finish(handle: bigint): Uint8Array;
}
interface Glue {
  instantiate(
    getCoreModule: (name: string) => WebAssembly.Module,
    imports: Record<string, object>,
  ): { capture: Capture };
}

test.each(['js', 'hybrid'] as const)('jco with %s bindings', async (importBindings) => {
  const component = readFileSync(fileURLToPath(new URL('guests/stranger.wasm', import.meta.url)));
  const { files } = await transpileBytes(component, {
    name: 'stranger',
    instantiation: 'sync',
    importBindings,
  });
  const glue = Buffer.from(files['stranger.js'] ?? '').toString('base64');
  const { instantiate } = (await import(`data:text/javascript;base64,${glue}`)) as Glue;

  const db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, age INT)');
  const { capture } = instantiate(
    (name) => new WebAssembly.Module(Uint8Array.from(files[name] ?? [])),
    hostImports(db) as Record<string, object>,
  );
  const handle = capture.start();
  expect(handle > 0n).toBe(true);
  db.exec("INSERT INTO users VALUES (3, 'carol', 75)");
  expect(Buffer.from(capture.finish(handle)).toString('hex').toUpperCase()).toBe(
    '5403010000757365727300120001000000000000000303056361726F6C01000000000000004B',
  );
  db.close();
});
