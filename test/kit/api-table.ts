/** Runs tables of JavaScript code and expected results against the API and, if this Node has it, node:sqlite. */

import * as own from 'sqlite-wasm-run';
import { describe, expect, test } from 'vitest';

type Api = Pick<typeof own, 'DatabaseSync' | 'StatementSync' | 'constants'>;
type Database = own.DatabaseSync;

/** An expression or a function body, and its result in the format of {@link shown}, or "! " and the error. */
export type Case = readonly [code: string, result: string];

/** Node 24 gives other results for some cases and crashes on others. */
const peerSince = 26;

async function nodeSqlite(): Promise<Api | undefined> {
  if (Number(process.versions.node.split('.')[0]) < peerSince) return undefined;
  const name = 'node:sqlite';
  return (await import(name)) as Api;
}

const peer = await nodeSqlite();
const apis: [string, Api][] = [
  ['sqlite-wasm-run', own],
  ...(peer ? [['node:sqlite', peer] as [string, Api]] : []),
];

function shown(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'function';
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`;
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([name, field]) => `${name}: ${shown(field)}`);
    return `${Object.getPrototypeOf(value) === null ? '' : 'with prototype '}{${fields.join(', ')}}`;
  }
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The code, SQLite's code and the message, if the error has them. */
function failure(error: unknown): string {
  if (!(error instanceof Error)) return `! ${shown(error)}`;
  const { code, errcode } = error as { code?: string; errcode?: number };
  return `! ${[code, errcode, error.message].filter((part) => part !== undefined).join(' ')}`;
}

function attempt(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return failure(error);
  }
}

/** The names that the code of a case can use. */
function scope(api: Api) {
  const open = (...rest: [own.DatabaseOptions?]): Database => new api.DatabaseSync(':memory:', ...rest);
  const tables = (): Database => {
    const db = open();
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); CREATE TABLE u(a INTEGER PRIMARY KEY)');
    return db;
  };
  return {
    api,
    open,
    attempt,
    prepare: (...rest: Parameters<Database['prepare']>) => open().prepare(...rest),
    /** Two empty tables. */
    tables,
    /** A changeset that fills the tables. */
    changes: (): Uint8Array => {
      const db = tables();
      const session = db.createSession();
      db.exec("INSERT INTO t VALUES (1,'x'),(2,'y'); INSERT INTO u VALUES (5)");
      return session.changeset();
    },
    /** The two tables with a row that conflicts with the changeset. */
    conflicting: (): Database => {
      const db = tables();
      db.exec("INSERT INTO t VALUES (1,'zz')");
      return db;
    },
    rows: (db: Database) => [db.prepare('SELECT * FROM t').all(), db.prepare('SELECT * FROM u').all()],
  };
}

/** Defines a test for each case and API. */
export function table(name: string, cases: readonly Case[]): void {
  describe.each(apis)(`%s: ${name}`, (_, api) => {
    test.each(cases)('%s', (code, result) => {
      const names = scope(api);
      const body = code.includes('return ') ? code : `return ${code}`;
      const run = new Function(...Object.keys(names), body);
      let got: string;
      try {
        got = shown(run(...Object.values(names)));
      } catch (error) {
        got = failure(error);
      }
      expect(got).toBe(result);
    });
  });
}
