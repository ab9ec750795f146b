/** Calls the exports of @sqlite.org/sqlite-wasm directly, as a thin binding would. Its own API is five times slower. */

import type { Database, Session, Statement } from './peers.js';
import { type Module, Raw, RawStatement } from './raw-statement.js';

export async function openRaw(module: string): Promise<(path: string) => Database> {
  const { default: init } = (await import(module)) as { default: () => Promise<Module> };
  const { wasm } = await init();
  return (path) => new RawDatabase(wasm, path);
}

class RawDatabase implements Database {
  readonly raw: Raw;
  readonly db: number;

  constructor(wasm: Module['wasm'], path: string) {
    this.raw = new Raw(wasm);
    this.raw.write(path);
    this.raw.check(this.raw.call('sqlite3_open', this.raw.scratch, this.raw.out));
    this.db = this.raw.int(this.raw.out);
  }

  exec(sql: string): void {
    this.raw.write(sql);
    this.raw.check(this.raw.call('sqlite3_exec', this.db, this.raw.scratch, 0, 0, 0));
  }

  prepare(sql: string): Statement {
    const length = this.raw.write(sql);
    const { scratch, out } = this.raw;
    this.raw.check(this.raw.call('sqlite3_prepare_v2', this.db, scratch, length + 1, out, 0));
    return new RawStatement(this.raw, this.raw.int(out));
  }

  function(name: string, body: (value: number) => number): void {
    const { c, wasm } = this.raw;
    const { sqlite3_value_double: numberOf, sqlite3_result_int64: answer } = c;
    if (!numberOf || !answer) throw new Error('sqlite-wasm does not export the functions of values');
    const pointer = wasm.installFunction('v(pip)', (context = 0, _count, values = 0) => {
      answer(context, BigInt(body(numberOf(wasm.heap32()[values >> 2] ?? 0))));
      return undefined;
    });
    this.raw.write(name);
    this.raw.check(
      this.raw.call('sqlite3_create_function', this.db, this.raw.scratch, 1, 1, 0, pointer, 0, 0),
    );
  }

  createSession(): Session {
    const { raw } = this;
    raw.write('main');
    raw.check(raw.call('sqlite3session_create', this.db, raw.scratch, raw.out));
    const session = raw.int(raw.out);
    raw.check(raw.call('sqlite3session_attach', session, 0));
    return {
      changeset: () => {
        raw.check(raw.call('sqlite3session_changeset', session, raw.out, raw.out + 4));
        const at = raw.int(raw.out + 4);
        const bytes = raw.wasm.heap8u().slice(at, at + raw.int(raw.out));
        raw.call('sqlite3_free', at);
        raw.call('sqlite3session_delete', session);
        return bytes;
      },
    };
  }

  applyChangeset(changeset: Uint8Array): void {
    const { raw } = this;
    const abort = raw.wasm.installFunction('i(pip)', () => 2);
    const at = raw.call('sqlite3_malloc', changeset.length);
    raw.wasm.heap8u().set(changeset, at);
    raw.check(raw.call('sqlite3changeset_apply', this.db, changeset.length, at, 0, abort, 0));
    raw.call('sqlite3_free', at);
  }

  close(): void {
    this.raw.check(this.raw.call('sqlite3_close_v2', this.db));
    this.raw.call('sqlite3_free', this.raw.scratch);
    this.raw.call('sqlite3_free', this.raw.out);
  }
}
