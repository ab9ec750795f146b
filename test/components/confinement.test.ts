/**
 * Every SQL function, virtual table and pragma of SQLite must be listed: either the confinement of components refuses
 * it, or it is known to stay within the database. The test fails if a newer SQLite adds one.
 */

import { spawnSync } from 'node:child_process';
import { DatabaseSync } from 'sqlite-wasm-run';
import { expect, test } from 'vitest';
import { functions, rawTables, refusal, tables } from '../../host/kernel/confinement.js';
import { program } from '../kit/program.js';

const set = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Functions that read only their arguments, the row, the database or the clock. */
const harmlessFunctions = set(`
  -> ->> abs acos acosh asin asinh atan atan2 atanh avg base64 base85 bm25 ceil ceiling changes char
  coalesce concat concat_ws cos cosh count cume_dist current_date current_time current_timestamp date
  datetime decimal decimal_add decimal_cmp decimal_exp decimal_mul decimal_pow2 decimal_sub
  decimal_sum degrees dense_rank dtostr exp first_value floor format fts5 fts5_get_locale
  fts5_insttoken fts5_locale fts5_source_id geopoly_area geopoly_bbox geopoly_blob geopoly_ccw
  geopoly_contains_point geopoly_debug geopoly_group_bbox geopoly_json geopoly_overlap geopoly_regular
  geopoly_svg geopoly_within geopoly_xform glob group_concat hex highlight ieee754 ieee754_exponent
  ieee754_from_blob ieee754_from_int ieee754_inc ieee754_mantissa ieee754_to_blob ieee754_to_int if
  ifnull iif instr is_base85 json json_array json_array_insert json_array_length json_error_position
  json_extract json_group_array json_group_object json_insert json_object json_patch json_pretty
  json_quote json_remove json_replace json_set json_type json_valid jsonb jsonb_array
  jsonb_array_insert jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert jsonb_object
  jsonb_patch jsonb_remove jsonb_replace jsonb_set julianday lag last_insert_rowid last_value lead
  length like likelihood likely ln log log10 log2 lower ltrim match matchinfo max median min mod
  nth_value ntile nullif octet_length offsets optimize percent_rank percentile percentile_cont
  percentile_disc pi pow power printf quote radians random randomblob rank regexp regexpi replace
  round row_number rtreecheck rtreedepth rtreenode rtrim sha1 sha1b sha3 sha3_agg sign sin sinh
  snippet soundex sqlite_compileoption_get sqlite_compileoption_used sqlite_offset sqlite_source_id
  sqlite_version sqrt stmtrand strftime string_agg strtod substr substring subtype sum tan tanh time
  timediff total total_changes trim trunc typeof unhex unicode unistr unistr_quote unixepoch unknown
  unlikely upper zeroblob
`);

/** Virtual tables for the database and its schema. SQL in their arguments is compiled under the same confinement. */
const harmlessTables = set(`
  bytecode completion dbstat fts3 fts3tokenize fts4 fts4aux fts5 fts5vocab generate_series geopoly
  rtree rtree_i32 tables_used
`);

/** Pragmas that are refused with and without a value. */
const refusedPragmas = set(`
  checkpoint_fullfsync count_changes database_list empty_result_callbacks full_column_names fullfsync
  hard_heap_limit legacy_alter_table read_uncommitted short_column_names shrink_memory soft_heap_limit
  temp_store_directory wal_checkpoint writable_schema
`);

const lists = ['function', 'module', 'pragma'] as const;
type Lists = Record<(typeof lists)[number], string[]>;

const inCode = (): Lists => {
  using db = new DatabaseSync(':memory:');
  const names = (list: string): string[] =>
    db
      .prepare(`SELECT DISTINCT name FROM pragma_${list}_list`)
      .all()
      .map((row) => String(row.name));
  return { function: names('function'), module: names('module'), pragma: names('pragma') };
};

const inTheShell = (): Lists => {
  const names = (list: string): string[] =>
    spawnSync(process.execPath, [program, ':memory:', `SELECT DISTINCT name FROM pragma_${list}_list`], {
      encoding: 'utf8',
      input: '',
    })
      .stdout.trim()
      .split('\n');
  return { function: names('function'), module: names('module'), pragma: names('pragma') };
};

test.each([
  ['code', inCode],
  ['the shell', inTheShell],
])('in %s', (_, read) => {
  const found = read();
  expect(found.function.length).toBeGreaterThan(100);
  expect(found.pragma.length).toBeGreaterThan(50);
  expect(found.function.filter((name) => !functions.has(name) && !harmlessFunctions.has(name))).toEqual([]);
  expect(
    found.module.filter(
      (name) =>
        !name.startsWith('pragma_') && !tables.has(name) && !rawTables.has(name) && !harmlessTables.has(name),
    ),
  ).toEqual([]);
  const PRAGMA = 19;
  const refused = (name: string, value: string | null): boolean =>
    refusal(PRAGMA, name, value, false) !== undefined;
  const free = found.pragma.filter((name) => !refused(name, null) || !refused(name, '1'));
  expect(free.filter((name) => refusedPragmas.has(name))).toEqual([]);
  expect(found.pragma.filter((name) => !free.includes(name) && !refusedPragmas.has(name))).toEqual([]);
});

test('no name is in two lists, and everything that runs SQL or accesses files is refused', () => {
  expect([...harmlessFunctions].filter((name) => functions.has(name))).toEqual([]);
  expect([...harmlessTables].filter((name) => tables.has(name) || rawTables.has(name))).toEqual([]);
  for (const name of ['sha1_query', 'realpath', 'readfile', 'load_extension']) {
    expect(refusal(31, null, name, true)).toBe(`${name}() reaches beyond the database`);
  }
});
