/**
 * A common interface for the compared APIs. An API that already has it is used directly, because an adapter would be
 * measured too.
 */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as own from 'sqlite-wasm-run';

export type Value = number | string | null;
export type Row = Record<string, Value>;

export interface Statement {
  run(...parameters: Value[]): unknown;
  get(...parameters: Value[]): unknown;
  all(): unknown[];
  iterate(): Iterable<unknown>;
  /** Present if statements must be finalized explicitly. */
  finalize?(): void;
}

export interface Session {
  changeset(): Uint8Array;
  /** Present if the program can return the changeset in pieces. */
  writeTo?(take: (piece: Uint8Array) => void): void;
}

export interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  function(name: string, body: (value: number) => number): unknown;
  createSession?(): Session;
  applyChangeset?(changeset: Uint8Array): unknown;
  close(): void;
}

export interface Peer {
  open(path: string): Database;
  /** Whether the program supports database files and WAL. */
  readonly files: boolean;
  readonly wal: boolean;
}

/** This package and `node:sqlite` already have the interface. */
async function nodeSqlite(module: string): Promise<Peer> {
  const { DatabaseSync } = (await import(module)) as typeof own;
  return { open: (path) => new DatabaseSync(path) as unknown as Database, files: true, wal: true };
}

async function betterSqlite3(module: string): Promise<Peer> {
  const Database = createRequire(import.meta.url)(module) as new (path: string) => Database;
  return { open: (path) => new Database(path), files: true, wal: true };
}

interface NodeSqlite3Wasm {
  Database: new (path: string) => NodeSqlite3WasmDatabase;
}
interface NodeSqlite3WasmDatabase extends Omit<Database, 'prepare'> {
  prepare(sql: string): NodeSqlite3WasmStatement;
}
interface NodeSqlite3WasmStatement {
  run(parameters: Value[]): unknown;
  get(parameters: Value[]): unknown;
  all(): unknown[];
  iterate(): Iterable<unknown>;
  finalize(): void;
}

async function nodeSqlite3Wasm(module: string): Promise<Peer> {
  const { Database } = createRequire(import.meta.url)(module) as NodeSqlite3Wasm;
  const open = (path: string): Database => {
    const db = new Database(path);
    return {
      exec: (sql) => db.exec(sql),
      prepare: (sql) => {
        const statement = db.prepare(sql);
        return {
          run: (...parameters) => statement.run(parameters),
          get: (...parameters) => statement.get(parameters),
          all: () => statement.all(),
          iterate: () => statement.iterate(),
          finalize: () => statement.finalize(),
        };
      },
      function: (name, body) => db.function(name, body),
      close: () => db.close(),
    };
  };
  return { open, files: true, wal: false };
}

async function sqliteWasm(module: string): Promise<Peer> {
  const { openRaw } = await import('./peer-raw.js');
  const open = await openRaw(join(module, 'dist/node.mjs'));
  return { open, files: false, wal: false };
}

/** The peers by program name. `module` is the imported module or the folder of a package. */
export const peers: Readonly<Record<string, (module: string) => Promise<Peer>>> = {
  ours: nodeSqlite,
  'node:sqlite': nodeSqlite,
  'better-sqlite3': betterSqlite3,
  'sqlite-wasm': sqliteWasm,
  'node-sqlite3-wasm': nodeSqlite3Wasm,
};
