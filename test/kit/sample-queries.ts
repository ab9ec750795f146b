/** The rows of `sample` (test/guests/sample.h), and queries over them that are the same at every run. */

type Cell = number | string | null | Uint8Array;

/** The columns of a row, without `n`. */
export const sampleColumns = ['id', 'k', 'r', 't', 'b'] as const;

/** Row `id`, from 1; its rowid is ten times that. */
export function sampleRow(id: number): Cell[] {
  const letter = (id * 53) % 67;
  const second = String.fromCharCode((id % 2 ? 97 : 65) + Math.floor(letter / 26));
  return [
    id,
    id % 13 ? ((id * 7919) % 101) - 50 : null,
    id % 17 ? ((id * 31) % 997) / 8 : null,
    id % 11 ? String.fromCharCode(97 + (letter % 26)) + second : null,
    id % 7 ? (id % 5 ? Uint8Array.of(id & 255, (id * 3) & 255) : new Uint8Array()) : null,
  ];
}

/** Pseudorandom numbers from 0 to below `below`, from a seed (mulberry32). */
export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** A SELECT, with T for the table. */
export interface Query {
  readonly sql: string;
  /** Whether it defines the order of all its rows. */
  readonly ordered: boolean;
}

/** `count` queries over a table of `rows` rows. */
export function queries(seed: number, count: number, rows: number): Query[] {
  const next = random(seed);
  const pick = <T>(list: readonly T[]): T => list[next(list.length)] as T;
  const some = <T>(list: readonly T[], most: number): T[] =>
    list
      .map((value) => ({ value, key: next(1000) }))
      .sort((a, b) => a.key - b.key)
      .slice(0, 1 + next(most))
      .map(({ value }) => value);

  const literal = (column: string): string => {
    const value = sampleRow(1 + next(rows))[sampleColumns.indexOf(column as 'id')] ?? null;
    if (column === 'rowid') return String(10 * (1 + next(rows)));
    if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`;
    return typeof value === 'string' ? `'${value}'` : String(value);
  };
  const term = (table: string): string => {
    const column = pick(['id', 'k', 'r', 't', 'b', 'rowid', 'k', 't']);
    const name = `${table}${column}`;
    const list = (): string => Array.from({ length: 1 + next(5) }, () => literal(column)).join(', ');
    const terms = [
      () => `${name} ${pick(['=', '<', '>', '<=', '>=', '<>', 'IS', 'IS NOT'])} ${literal(column)}`,
      () => `${name} ${pick(['<', '>', '<=', '>='])} ${literal(column)}`,
      () => `${name} BETWEEN ${literal(column)} AND ${literal(column)}`,
      () => `${name} IN (${list()})`,
      () => `${name} ${pick(['IS NULL', 'NOT NULL'])}`,
      () => `${name} IN (SELECT ${column} FROM T WHERE id < ${next(rows)})`,
      () => `${table}t ${pick(['LIKE', 'NOT LIKE', 'GLOB'])} '${pick(['a%', '%b', 'c*', '_A', 'd?'])}'`,
      () => `${table}t ${pick(['=', '<', '>='])} ${literal('t').toUpperCase()} COLLATE NOCASE`,
      () => `(${name} = ${literal(column)} OR ${table}id < ${next(rows)})`,
    ];
    return pick(terms)();
  };
  const where = (table = ''): string => {
    const terms = Array.from({ length: next(4) }, () => term(table));
    return terms.length > 0 ? ` WHERE ${terms.join(' AND ')}` : '';
  };
  const order = (columns: readonly string[], table = ''): string =>
    columns
      .map((column) => {
        const collation = column === 't' && next(4) === 0 ? ' COLLATE NOCASE' : '';
        return `${table}${column}${collation}${pick(['', '', ' DESC'])}${pick(['', '', '', ' NULLS LAST'])}`;
      })
      .join(', ');
  const limit = (): string =>
    pick(['', ` LIMIT ${next(12)}`, ` LIMIT ${next(20)} OFFSET ${next(rows)}`, ' LIMIT -1 OFFSET 3']);
  const list = 'rowid, id, k, r, t, b';
  const others = ['k', 'r', 't', 'b'];

  const kinds: (() => Query)[] = [
    () => ({ sql: `SELECT ${list} FROM T${where()}`, ordered: false }),
    () => ({
      sql: `SELECT ${list} FROM T${where()} ORDER BY ${order([...some(others, 2), pick(['id', 'rowid'])])}${limit()}`,
      ordered: true,
    }),
    () => {
      const columns = some(others, 2);
      return { sql: `SELECT DISTINCT ${columns.join(', ')} FROM T${where()}`, ordered: false };
    },
    () => {
      const columns = some(others, 2);
      const by = columns.map((column) => `${column}${pick(['', ' DESC'])}`).join(', ');
      return {
        sql: `SELECT DISTINCT ${columns.join(', ')} FROM T${where()} ORDER BY ${by}${limit()}`,
        ordered: true,
      };
    },
    () => {
      const by = pick(others);
      return {
        sql: `SELECT ${by}, count(*), sum(id), max(t) FROM T${where()} GROUP BY ${by}`,
        ordered: false,
      };
    },
    () => ({ sql: `SELECT count(*), min(r), max(b), total(k) FROM T${where()}`, ordered: true }),
    () => ({
      sql: `SELECT x.id, y.id FROM T AS x ${pick(['JOIN', 'LEFT JOIN'])} T AS y ON ${pick(['y.id = x.k', 'y.k = x.id', 'y.t = x.t', 'y.rowid = x.rowid + 10', 'y.b = x.b AND y.id > x.id'])}${where('x.')}`,
      ordered: false,
    }),
    () => ({
      sql: `SELECT x.id, (SELECT count(*) FROM T AS y WHERE y.${pick(['k', 't', 'b'])} ${pick(['=', '<', '>'])} x.${pick(['k', 't', 'b'])}) FROM T AS x${where('x.')} ORDER BY x.id LIMIT 20`,
      ordered: true,
    }),
    () => ({
      sql: `SELECT id FROM T AS x WHERE ${pick(['EXISTS', 'NOT EXISTS'])} (SELECT 1 FROM T AS y WHERE y.k = x.id AND y.${pick(['t', 'b', 'r'])} NOT NULL)`,
      ordered: false,
    }),
    () => ({
      sql: `SELECT id FROM T${where()} ORDER BY ${pick(['id', 'rowid'])} DESC${limit()}`,
      ordered: true,
    }),
    () => ({ sql: `SELECT k FROM T${where()} UNION SELECT id FROM T${where()} ORDER BY 1`, ordered: true }),
    () => ({
      sql: `SELECT id, sum(k) OVER (PARTITION BY t ORDER BY id) FROM T${where()} ORDER BY id${limit()}`,
      ordered: true,
    }),
  ];
  return Array.from({ length: count }, () => pick(kinds)());
}
