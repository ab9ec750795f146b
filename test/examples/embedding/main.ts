/**
 * A component with its own world: a command that imports `sqlite:extension/session` and `spi` and exports
 * `wasi:cli/run` (the WIT and C are ../../guests/command.wit and command.c). This program transpiles it with jco at the
 * start. To transpile it in advance, run `jco transpile command.wasm --instantiation -o .`.
 */

import { readFileSync } from 'node:fs';
import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { DatabaseSync } from 'sqlite-wasm-run';
import { changes } from 'sqlite-wasm-run/changeset';
import { hostImports } from 'sqlite-wasm-run/host';

interface Glue {
  instantiate(
    getCoreModule: (name: string) => WebAssembly.Module,
    imports: Record<string, object>,
  ): { run: { run(): void } };
}

const component = readFileSync(new URL('../../guests/command.wasm', import.meta.url));
const { files } = await transpileBytes(component, { name: 'command', instantiation: 'sync' });
const source = Buffer.from(files['command.js'] ?? '').toString('base64');
const { instantiate } = (await import(`data:text/javascript;base64,${source}`)) as Glue;

const db = new DatabaseSync(':memory:', { grants: { sql: 'rw' } });
db.exec('CREATE TABLE item(id INTEGER PRIMARY KEY, price); CREATE TABLE outbox(changes)');
db.exec('INSERT INTO item VALUES (1, 2.5), (2, 4)');

const modules = (name: string): WebAssembly.Module =>
  new WebAssembly.Module(Uint8Array.from(files[name] ?? []));
instantiate(modules, hostImports(db)).run.run();

console.log(db.prepare('SELECT id, price FROM item').all());
const captured = db.prepare('SELECT changes FROM outbox').get()?.changes as Uint8Array;
for (const { table, op, old, new: values } of changes(captured)) console.log(table, op, old, values);
