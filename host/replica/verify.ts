import { createHash } from 'node:crypto';
import { connectionOf } from '../api/connections.js';
import type { DatabaseSync } from '../api/database.js';
import { query, quotedName } from '../kernel/query.js';
import { tableShape } from '../kernel/schema.js';
import type { SqlValue } from '../kernel/values.js';
import { travels } from './allowed.js';
import type { Log } from './log.js';
import { SchemaFacts } from './schema.js';

/** The number of rows and the digest of a table. */
export interface TableDigest {
  readonly rows: number;
  /** The SHA-256 digest, in hex, of all rows in the order of the primary key. */
  readonly digest: string;
}

/** The digests of a copy after a message, without the pending transactions. */
export interface CopyDigests {
  readonly copy: string;
  readonly sequence: number;
  /** The digest of the schema. */
  readonly schema: string;
  readonly tables: Readonly<Record<string, TableDigest>>;
}

/** The result of {@link Replica.verify}. */
export interface Verified extends CopyDigests {
  /** The other copies that stored digests at the same sequence number, with the tables that differ. */
  readonly others: readonly { readonly copy: string; readonly differs: readonly string[] }[];
  /** The other copies that stored digests at another sequence number. These cannot be compared. */
  readonly elsewhere: readonly { readonly copy: string; readonly sequence: number }[];
}

const prefix = 'verify-';

export function digestsOf(database: DatabaseSync): Pick<CopyDigests, 'schema' | 'tables'> {
  const connection = connectionOf(database);
  const names = query(
    connection,
    "SELECT name FROM pragma_table_list WHERE schema='main' AND type IN ('table', 'virtual') ORDER BY name",
  ).map(([name]) => String(name));
  const tables = names.filter(travels).map((name) => [name, digestOfTable(database, name)] as const);
  return { schema: new SchemaFacts(connection).digest, tables: Object.fromEntries(tables) };
}

function digestOfTable(database: DatabaseSync, table: string): TableDigest {
  const shape = tableShape(connectionOf(database), 'main', table);
  const isVirtual = shape?.kind === 'virtual'; // full-text tables keep their rowids in all copies
  const columns = [...(isVirtual ? ['rowid'] : []), ...(shape?.columns ?? [])];
  const key = isVirtual ? ['rowid'] : columns.filter((_, i) => (shape?.key[i] ?? 0) > 0);
  const order = (key.length > 0 ? key : columns).map((name) => `${quotedName(name)} COLLATE BINARY`).join();
  const list = columns.map((name) => quotedName(name)).join();
  const hash = createHash('sha256');
  let rows = 0;
  const statement = database.prepare(`SELECT ${list} FROM main.${quotedName(table)} ORDER BY ${order}`, {
    readBigInts: true,
    returnArrays: true,
  });
  using _ = statement;
  for (const row of statement.iterate()) {
    rows += 1;
    for (const value of row as unknown as SqlValue[]) hashValue(hash, value);
  }
  return { rows, digest: hash.digest('hex') };
}

/** Hashes a value with its type and length, so that different values give different input. */
function hashValue(hash: ReturnType<typeof createHash>, value: SqlValue): void {
  if (value === null) hash.update('n');
  else if (value instanceof Uint8Array) hash.update(`b${value.length}:`).update(value);
  else if (typeof value === 'bigint') hash.update(`i${value};`);
  else if (typeof value === 'number') hash.update('f').update(new Uint8Array(Float64Array.of(value).buffer));
  else {
    const bytes = Buffer.from(value);
    hash.update(`t${bytes.length}:`).update(bytes);
  }
}

/** Stores the digests of a copy, and compares them with the digests of other copies. */
export async function compareDigests(log: Log, own: CopyDigests): Promise<Verified> {
  const bytes = new TextEncoder().encode(JSON.stringify(own));
  await log.put(prefix + own.copy, { sequence: String(own.sequence) }, once(bytes));
  const others: { copy: string; differs: string[] }[] = [];
  const elsewhere: { copy: string; sequence: number }[] = [];
  for (const { name, about } of await log.objects(prefix)) {
    const copy = name.slice(prefix.length);
    if (copy === own.copy) continue;
    const sequence = Number(about['sequence']);
    const found = sequence === own.sequence ? await read(log, name) : undefined;
    if (found?.sequence === own.sequence) others.push({ copy, differs: differences(own, found) });
    else elsewhere.push({ copy, sequence });
  }
  return { ...own, others, elsewhere };
}

function differences(one: CopyDigests, other: CopyDigests): string[] {
  const names = new Set([...Object.keys(one.tables), ...Object.keys(other.tables)]);
  const found = [...names].filter((name) => one.tables[name]?.digest !== other.tables[name]?.digest);
  return one.schema === other.schema ? found : ['the schema', ...found];
}

async function read(log: Log, name: string): Promise<CopyDigests | undefined> {
  const pieces = await log.get(name);
  if (!pieces) return undefined;
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece.slice());
  try {
    const value = JSON.parse(Buffer.concat(parts).toString()) as CopyDigests;
    return typeof value.tables === 'object' && value.tables !== null ? value : undefined;
  } catch {
    return undefined; // not made by this package
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}
