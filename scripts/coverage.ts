/**
 * Writes test/COVERAGE.md, which lists the C functions of the session extension and the corresponding functions of this
 * package.
 *
 *     npx tsx scripts/coverage.ts           writes the file
 *     npx tsx scripts/coverage.ts --check   fails if the file is out of date or names something that does not exist
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './sources.js';
import { contractVersion } from './wit.js';

type Row = readonly [c: string, wit: string, sql: string, code: string, command: string];

const apply = ['changeset.apply', 'changeset_apply', 'DatabaseSync.apply', 'apply'] as const;
const read = ['changeset.changes', 'changeset_rows'] as const;
const group = ['changeset.concat', 'changeset_group'] as const;
const rebase = ['changeset.rebase', 'changeset_rebase'] as const;
const build = ['changeset.build', 'changeset_from_json'] as const;

/** `-` means that there is no direct counterpart. */
const rows: readonly Row[] = [
  ['sqlite3session_create', 'session.create', 'session_create', 'DatabaseSync.createSession', 'capture'],
  ['sqlite3session_delete', 'session.delete', 'session_delete', 'Session.close', 'capture'],
  [
    'sqlite3session_object_config',
    'session.create-with',
    'session_create_rowid',
    'createSession({ rowid, size })',
    'capture --rowid',
  ],
  ['sqlite3session_enable', 'session.enable', 'session_enable', 'Session.enabled', '-'],
  ['sqlite3session_indirect', 'session.indirect', 'session_indirect', 'Session.indirect', '-'],
  ['sqlite3session_attach', 'session.attach', 'session_attach', 'Session.attach', 'capture --table'],
  [
    'sqlite3session_table_filter',
    'session.filter',
    'session_filter',
    'createSession({ filter })',
    'daemon --table',
  ],
  ['sqlite3session_changeset', 'session.changeset', 'session_changeset', 'Session.changeset', 'capture'],
  ['sqlite3session_changeset_strm', '-', '-', 'Session.changesetStream', '-'],
  [
    'sqlite3session_patchset',
    'session.patchset',
    'session_patchset',
    'Session.patchset',
    'capture --patchset',
  ],
  ['sqlite3session_patchset_strm', '-', '-', 'Session.patchsetStream', '-'],
  ['sqlite3session_changeset_size', 'session.changeset-size', 'session_size', 'Session.changesetSize', '-'],
  ['sqlite3session_diff', 'session.diff', 'session_diff', 'Session.diff', 'diff'],
  ['sqlite3session_isempty', 'session.is-empty', 'session_isempty', 'Session.isEmpty', '-'],
  ['sqlite3session_memory_used', 'session.memory-used', 'session_memory_used', 'Session.memoryUsed', '-'],
  ['sqlite3session_config', '-', '-', 'Changeset.pieceSize', '-'],
  ['sqlite3changeset_start', ...read, 'Changeset[Symbol.iterator]', 'show'],
  ['sqlite3changeset_start_v2', ...read, 'Changeset[Symbol.iterator]', 'show'],
  ['sqlite3changeset_start_strm', 'changeset.append', '-', 'Changeset.read', '-'],
  ['sqlite3changeset_start_v2_strm', 'changeset.append', '-', 'Changeset.read', '-'],
  ['sqlite3changeset_next', ...read, 'Changeset[Symbol.iterator]', 'show'],
  ['sqlite3changeset_op', ...read, 'Change.op', 'show'],
  ['sqlite3changeset_pk', ...read, 'Change.key', 'show --json'],
  ['sqlite3changeset_old', ...read, 'Change.old', 'show'],
  ['sqlite3changeset_new', ...read, 'Change.new', 'show'],
  ['sqlite3changeset_conflict', '-', '-', 'Conflict.conflicting', '-'],
  ['sqlite3changeset_fk_conflicts', apply[0], apply[1], 'Conflict.foreignKeyViolations', apply[3]],
  ['sqlite3changeset_finalize', 'changeset.drop', 'changeset_rows', 'Changeset[Symbol.iterator]', 'show'],
  ['sqlite3changeset_invert', 'changeset.invert', 'changeset_invert', 'Changeset.invert', 'invert'],
  ['sqlite3changeset_invert_strm', 'changeset.append', '-', 'Changeset.invertTo', '-'],
  ['sqlite3changeset_concat', 'changeset.concat', 'changeset_concat', 'Changeset.concat', 'concat'],
  ['sqlite3changeset_concat_strm', 'changeset.append', '-', 'Changeset.concatTo', '-'],
  ['sqlite3changeset_apply', ...apply],
  ['sqlite3changeset_apply_strm', 'changeset.append', '-', 'DatabaseSync.applyChangeset', '-'],
  ['sqlite3changeset_apply_v2', ...apply],
  ['sqlite3changeset_apply_v2_strm', 'changeset.append', '-', 'DatabaseSync.applyStream', '-'],
  ['sqlite3changeset_apply_v3', apply[0], apply[1], 'applyChangeset({ filterChange })', 'apply --table'],
  ['sqlite3changeset_apply_v3_strm', 'changeset.append', '-', 'applyChangeset({ filterChange })', '-'],
  ['sqlite3changegroup_new', ...group, 'ChangesetGroup', 'concat'],
  ['sqlite3changegroup_delete', ...group, 'ChangesetGroup.close', 'concat'],
  ['sqlite3changegroup_schema', 'changeset.concat', '-', 'ChangesetGroup.schema', 'concat --schema'],
  ['sqlite3changegroup_config', ...build, 'ChangesetGroup.patchset', 'build'],
  ['sqlite3changegroup_add', ...group, 'ChangesetGroup.add', 'concat'],
  ['sqlite3changegroup_add_strm', 'changeset.append', '-', 'ChangesetGroup.addFrom', '-'],
  ['sqlite3changegroup_add_change', '-', '-', 'ChangesetGroup.addChange', '-'],
  ['sqlite3changegroup_change_begin', ...build, 'Changeset.of', 'build'],
  ['sqlite3changegroup_change_int64', ...build, 'Changeset.of', 'build'],
  ['sqlite3changegroup_change_double', ...build, 'Changeset.of', 'build'],
  ['sqlite3changegroup_change_text', ...build, 'Changeset.of', 'build'],
  ['sqlite3changegroup_change_blob', ...build, 'Changeset.of', 'build'],
  ['sqlite3changegroup_change_null', ...build, 'Changeset.of', 'build'],
  ['sqlite3changegroup_change_finish', ...build, 'Changeset.of', 'build'],
  ['sqlite3changegroup_output', ...group, 'ChangesetGroup.output', 'concat'],
  ['sqlite3changegroup_output_strm', 'changeset.read', '-', 'ChangesetGroup.outputTo', '-'],
  ['sqlite3rebaser_create', ...rebase, 'Rebaser', 'rebase'],
  ['sqlite3rebaser_configure', ...rebase, 'Rebaser.configure', 'rebase'],
  ['sqlite3rebaser_rebase', ...rebase, 'Rebaser.rebase', 'rebase'],
  ['sqlite3rebaser_rebase_strm', 'changeset.append', '-', 'Rebaser.rebaseTo', '-'],
  ['sqlite3rebaser_delete', ...rebase, 'Rebaser.close', 'rebase'],
];

/** The tests of names that are in no test title. */
const testOf: Readonly<Record<string, string>> = {
  session_create: 'session_create attaches tables at once; without any it records nothing yet',
  session_attach: 'a table that does not exist yet is attached nevertheless',
  session_changeset: 'captures what the C library writes',
  session_delete: 'deleted',
  changeset_from_json: 'changeset_json and back, with the names of the columns',
  'DatabaseSync.createSession': 'some tables, all, or those that a filter or globs select',
  'createSession({ filter })': 'some tables, all, or those that a filter or globs select',
  'createSession({ rowid, size })': 'the size is counted if requested',
  'Session.close': 'in any order, more than once by using',
  'Session.enabled': 'only while enabled; marked if indirect',
  'Session.indirect': 'only while enabled; marked if indirect',
  'Session.memoryUsed': 'only while enabled; marked if indirect',
  'Session.attach': 'tables that are attached later, one by one or all',
  'Session.changeset': 'sessions return their changeset in pieces, as bytes and as a stream',
  'Session.patchset': 'sessions return their changeset in pieces, as bytes and as a stream',
  'Session.changesetStream': 'sessions return their changeset in pieces, as bytes and as a stream',
  'Session.patchsetStream': 'sessions return their changeset in pieces, as bytes and as a stream',
  'Session.changesetSize': 'the size is counted if requested',
  'Session.diff': 'a diff of two databases: the changes that turn the other into this one',
  'Session.isEmpty': 'undone changes: not empty, and a changeset of no bytes',
  'Changeset.pieceSize': 'the size of the pieces can be set; memory stays bounded by it',
  'Changeset[Symbol.iterator]': 'its changes are read with their types, keys and operations',
  'Changeset.read': 'reading, also inverted',
  'Change.op': 'its changes are read with their types, keys and operations',
  'Change.key': 'a key in another order than the columns keeps its places',
  'Change.old': 'its changes are read with their types, keys and operations',
  'Change.new': 'its changes are read with their types, keys and operations',
  'Conflict.conflicting': 'a handler sees the kind, the change and the conflicting row',
  'Conflict.foreignKeyViolations':
    'violated foreign keys are counted; every policy aborts, but a rule can allow them',
  'Changeset.invert': 'its inverse undoes it',
  'Changeset.invertTo': 'inverting, joining, rebasing, grouping',
  'Changeset.concat': 'a patchset has no inverse, and is not mixed with a changeset',
  'Changeset.concatTo': 'inverting, joining, rebasing, grouping',
  'Changeset.of': 'it is built from values, as a changeset and as a patchset',
  'DatabaseSync.apply': 'policies: abort, ours, theirs, append-only',
  'DatabaseSync.applyChangeset': 'a changeset can be given in pieces of any length',
  'DatabaseSync.applyStream': 'a changeset of 100 MiB goes from one database to another in much less memory',
  'applyChangeset({ filterChange })': 'single changes are filtered',
  ChangesetGroup: 'changes of values of every type, joined by key',
  'ChangesetGroup.close': 'a closed group is an error; closing twice is allowed',
  'ChangesetGroup.schema': 'a changeset made before a column was added joins one made after',
  'ChangesetGroup.patchset': 'changes of values of every type, joined by key',
  'ChangesetGroup.add': 'a change that does not fit is refused and leaves the group as it was',
  'ChangesetGroup.addFrom': 'inverting, joining, rebasing, grouping',
  'ChangesetGroup.addChange': 'a change that a handler rejects can be kept, and applied later',
  'ChangesetGroup.output': 'changes of values of every type, joined by key',
  'ChangesetGroup.outputTo': 'inverting, joining, rebasing, grouping',
  Rebaser: 'several buffers, in order',
  'Rebaser.configure': 'several buffers, in order',
  'Rebaser.rebase': 'several buffers, in order',
  'Rebaser.rebaseTo': 'inverting, joining, rebasing, grouping',
  'Rebaser.close': 'a patchset or damaged bytes are not a rebase buffer; a closed rebaser is an error',
  capture: 'writes the script’s changes and reports changes that it cannot record',
  'capture --rowid': 'tables, patchsets, rowids, and --refuse',
  'capture --table': 'tables, patchsets, rowids, and --refuse',
  'capture --patchset': 'tables, patchsets, rowids, and --refuse',
  'daemon --table': '--rowid, --patchset, --table; an output of the other kind is refused',
  diff: 'invert, concat and diff',
  invert: 'invert, concat and diff',
  concat: 'invert, concat and diff',
  'concat --schema': 'concat --schema completes changesets that were made before a column was added',
  show: 'show names columns by a schema, and works without one',
  'show --json': 'build reverses show --json',
  apply: 'reports, and refuses the second time',
  'apply --table': 'wrong policies and tables are refused by name',
  rebase: 'rebase rebases local changes on changesets that were applied before',
};

const source = (path: string): string => readFileSync(join(root, path), 'utf8');
const problems: string[] = [];

const bound = source('host/core/c/exports.txt')
  .split('\n')
  .filter((name) => /^sqlite3(session|changeset|changegroup|rebaser)_/.test(name));
for (const name of bound) if (!rows.some(([c]) => c === name)) problems.push(`${name} has no row`);
for (const [c] of rows) if (!bound.includes(c)) problems.push(`${c} is not bound`);

const wit = Object.fromEntries(
  ['session', 'changeset'].map((name) => [name, source(`wit/${contractVersion}/${name}.wit`)]),
);
const guests = ['session/session.c', 'changeset/changeset.c', 'changeset/group.c', 'changeset/rows.c']
  .map((name) => source(`extensions/${name}`))
  .join('');
const classes = ['api', 'applying']
  .flatMap((room) => readdirSync(join(root, 'host', room)).map((name) => source(`host/${room}/${name}`)))
  .join('');
const commands = readdirSync(join(root, 'host/cli/changeset'))
  .map((name) => source(`host/cli/changeset/${name}`))
  .concat(source('host/cli/daemon/command.ts'))
  .join('');
const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .sort()
  .map((name) => ({ name, text: source(`test/${name}`) }));
const titles = tests.flatMap(({ name, text }) =>
  [...text.matchAll(/\btest\(\s*'((?:[^'\\]|\\.)+)'/g)].map(([, title = '']) => ({ name, title })),
);

function linked(what: string, title: string, shown = title): string {
  const found = titles.find((known) => known.title === title);
  if (!found) problems.push(`${what}: no test is called "${title}"`);
  return `[${shown}](${found?.name} "${title}")`;
}

/** A name with its test: the one that is given, or the first whose title has the name as a word. */
function cell(c: string, name: string): string {
  if (name === '-') return '-';
  const title = testOf[name] ?? titles.find((known) => known.title.split(/[^\w.-]+/).includes(name))?.title;
  if (title !== undefined) return linked(c, title, name);
  problems.push(`${c}: no test has ${name} in its title`);
  return name;
}

const lines = rows.map(([c, offered, sql, code, command]) => {
  const [face = '', name = ''] = offered.split('.');
  const [, member = ''] = /(\w+)(?:\(.*\))?$/.exec(code) ?? [];
  const [, subcommand = '', option] = /^(\S+)(?: --(\S+))?/.exec(command) ?? [];
  const there: [string, boolean][] = [
    [offered, Boolean(wit[face]?.includes(`  ${name}: func`))],
    [sql, guests.includes(`"${sql}"`)],
    [code, code.endsWith(']') || new RegExp(`\\b${member}\\b`).test(classes)],
    [
      command,
      commands.includes(`name: '${subcommand}'`) &&
        (!option || new RegExp(`\\b'?${option}'?: {`).test(commands)),
    ],
  ];
  for (const [what, is] of there) if (what !== '-' && !is) problems.push(`${c}: ${what} does not exist`);
  return `| \`${c}\` | ${[offered, sql, code, command].map((one) => cell(c, one)).join(' | ')} |`;
});

/** What users of other bindings ask for: answered by a test, or not, and why. */
const demands: readonly (readonly [demand: string, test: string | null, else_?: string])[] = [
  ['read the changes from JavaScript', 'its changes are read with their types, keys and operations'],
  ['JSON', 'is converted to JSON and back without loss'],
  ['a readable diff', 'show names columns by a schema, and works without one'],
  ['invert, undo', 'undo and redo, surviving a restart'],
  ['concat, groups', 'is joined byte for byte as by the C library'],
  ['a conflict handler that is a function', 'a handler sees the kind, the change and the conflicting row'],
  ['the conflicting row', 'a handler sees the kind, the change and the conflicting row'],
  ['REPLACE only if it is legal', 'replacing what cannot be replaced is an error'],
  ['declarative policies per table', 'rules: the first that matches decides, by table, operation and kind'],
  ['rebase', 'local changes are rebased on what was applied before them'],
  ['a session ends when its database is closed', 'in any order, more than once by using'],
  [
    'a session and its database survive garbage collection',
    'sessions, captures and statements that were not closed are collected safely',
  ],
  ['closing in a callback', 'SQL runs in a handler; closing the database there is refused'],
  [
    'exceptions of handlers and filters are rethrown',
    'an exception of a handler or filter is rethrown unchanged, and nothing is applied',
  ],
  ['applies in several workers share nothing', 'applies in several threads share nothing'],
  [
    'malformed bytes are an error',
    'mutated bytes: what the C library refuses is refused, and anything else only by a named rule',
  ],
  ['validation', 'validate returns the wrong byte'],
  ['explicit close and using', 'in any order, more than once by using'],
  [
    'tables without a primary key',
    'session_create_rowid records tables without a key by rowid, and all if none is named',
  ],
  ['generated columns', 'generated columns are left out, so names fit the stored ones'],
  ['filter by row', 'single changes are filtered'],
  ['changesets across added columns', 'a changeset made before a column was added joins one made after'],
  ['changes of the schema in the stream', 'changes and statements in order'],
  ['triggers do not silently act twice', 'more columns and triggers on the target are reported'],
  ['foreign keys and UNIQUE in any order', 'flags: invert, ignoreNoop, fkNoAction, noUpdateLoop'],
  ['changes that were already made', 'flags: invert, ignoreNoop, fkNoAction, noUpdateLoop'],
  ['replaying twice', 'reports, and refuses the second time'],
  ['several changesets at once, all or none', 'several changesets are applied all or none'],
  ['streams, bounded memory', 'a changeset of 100 MiB goes from one database to another in much less memory'],
  ['reading uncommitted changes', 'session_patchset omits old values, session_take empties the session'],
  ['the empty changeset', 'an empty changeset is read, inverted, joined and applied'],
  ['without a filter, none is called', 'single changes are filtered'],
  [
    'capture of other writers, and after a restart',
    'killed and started again, it continues; started after its end, it adds to its output',
  ],
  ['diff of two files', 'invert, concat and diff'],
  ['sessions in a common driver', 'sessions return their changeset in pieces, as bytes and as a stream'],
  ['one API across runtimes', null, 'the names are those of node:sqlite; only Node is supported'],
  ['a build without sessions', null, 'not applicable: SQLite is always built with sessions'],
  ['indirect flag and kind are kept', 'is converted to JSON and back without loss'],
  ['small deltas over a network', 'queries fill an outbox and apply it'],
  ['audit: who and when', 'queries fill an outbox and apply it'],
  ['excluding shadow and other tables', 'session_filter records only tables that match the globs'],
  ['dry run with a report', 'a dry run reports the result and changes nothing'],
  [
    'checks after applying',
    'violated foreign keys are counted; every policy aborts, but a rule can allow them',
  ],
  ['a command line', 'has help for the group and for each command'],
  [
    'tests shared across runtimes',
    null,
    'a table of cases is run with node:sqlite and with this package (api-table.ts)',
  ],
];
const answers = demands.map(
  ([demand, title, why], i) => `| ${i + 1} | ${demand} | ${title === null ? why : linked(demand, title)} |`,
);

/** What a component can do, and the file that tests it with all ways to call a component: direct, linked and wrapped. */
const capabilities: readonly (readonly [what: string, world: string, interface_: string, file: string])[] = [
  ['scalar functions', 'minimal', 'scalar-function', 'extensions/extensions'],
  ['aggregate and window functions', 'stateful', 'aggregate-function', 'components/aggregates'],
  ['collations', 'collating', 'collation', 'components/collations'],
  ['an authorizer', 'authorizing', 'authorizer', 'components/authorizers'],
  ['hooks', 'hooked', 'hooks', 'components/hooks'],
  ['virtual tables to read', 'tabular', 'virtual-table', 'components/tables'],
  ['virtual tables to change', 'tabular-writable', 'writable-table', 'components/tables-writable'],
  ['functions and tables, such as session.wasm', 'functions-and-tables', 'scalar-function', 'changeset/sql'],
  ['functions, aggregates and tables', 'analytic', 'aggregate-function', 'components/worlds'],
  ['everything, and session from every function of every world', 'full', 'session', 'components/worlds'],
  ['SQL on its connection', 'services', 'spi', 'components/sandbox'],
  ['calling itself through SQL', 'services', 'spi', 'components/reentry'],
  ['changesets', 'services', 'changeset', 'changeset/sql'],
  ['no harm by invalid functions', 'minimal', 'scalar-function', 'components/hostile'],
  ['no harm by invalid tables', 'tabular-writable', 'virtual-table', 'components/hostile-tables'],
];
const worlds = source(`wit/${contractVersion}/worlds.wit`);
const capabilityLines = capabilities.map(([what, world, name, file]) => {
  const tested = tests.find((known) => known.name === `${file}.test.ts`)?.text;
  if (!tested?.includes("'wrapped']"))
    problems.push(`${file}.test.ts does not test all ways to call a component`);
  if (!worlds.includes(`world ${world} {`)) problems.push(`there is no world ${world}`);
  if (!worlds.includes(`port ${name};`)) problems.push(`no world has ${name}`);
  return `| ${what} | \`${world}\` | \`${name}\` | [${file}](${file}.test.ts) |`;
});
for (const [, world = ''] of worlds.matchAll(/^world ([\w-]+)/gm)) {
  if (!capabilities.some((row) => row[1] === world)) problems.push(`world ${world} is in no row`);
}

const text = `# Counterparts of the C session API

Generated by scripts/coverage.ts, which fails if a C function has no row, or if a row names something that does not exist.
\`-\` means that there is no counterpart, because the whole value is available or a callback would be needed. Each name
links to its test.

| C | WIT | SQL | TypeScript | command line |
| --- | --- | --- | --- | --- |
${lines.join('\n')}

# What components can do

Each file tests both call paths: direct calls, and calls through jco's wrappers.

| what | world | interface | tests |
| --- | --- | --- | --- |
${capabilityLines.join('\n')}

# What users of other bindings ask for

| | demand | answered by |
| --- | --- | --- |
${answers.join('\n')}
`;

const target = join(root, 'test/COVERAGE.md');
if (process.argv.includes('--check')) {
  if (source('test/COVERAGE.md') !== text)
    problems.push('test/COVERAGE.md is out of date: run tsx scripts/coverage.ts');
} else {
  writeFileSync(target, text);
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
