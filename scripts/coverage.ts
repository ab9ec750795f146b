/**
 * The C functions of the session extension against what is offered for each: test/COVERAGE.md.
 *
 *     npx tsx scripts/coverage.ts            writes it
 *     npx tsx scripts/coverage.ts --check    fails where it is not what this gives, or names what is not there
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './sources.js';

type Row = readonly [c: string, wit: string, sql: string, code: string, command: string, test: string];

const apply = ['changeset.apply', 'changeset_apply', 'DatabaseSync.apply', 'apply'] as const;
const capture = 'capture';

/** `-`: the C function is used for something that has another shape there. */
const rows: readonly Row[] = [
  [
    'sqlite3session_create',
    'session.create',
    'session_create',
    'DatabaseSync.createSession',
    capture,
    'session_create attaches tables at once; without any it records nothing yet',
  ],
  [
    'sqlite3session_delete',
    'session.delete',
    'session_delete',
    'Session.close',
    capture,
    'CREATE VIRTUAL TABLE temp.s USING session records until DROP',
  ],
  [
    'sqlite3session_object_config',
    'session.create-with',
    'session_create_rowid',
    'createSession({ rowid, size })',
    'capture --rowid',
    'session_create_rowid records tables without a key by rowid, and all where none is named',
  ],
  [
    'sqlite3session_enable',
    'session.enable',
    'session_enable',
    'Session.enabled',
    '-',
    'session_enable and session_indirect set and ask',
  ],
  [
    'sqlite3session_indirect',
    'session.indirect',
    'session_indirect',
    'Session.indirect',
    '-',
    'session_enable and session_indirect set and ask',
  ],
  [
    'sqlite3session_attach',
    'session.attach',
    'session_attach',
    'Session.attach',
    'capture --table',
    'a table that is not there yet is attached all the same',
  ],
  [
    'sqlite3session_table_filter',
    'session.filter',
    'session_filter',
    'createSession({ filter })',
    'daemon',
    'session_filter keeps to globs',
  ],
  [
    'sqlite3session_changeset',
    'session.changeset',
    'session_changeset',
    'Session.changeset',
    capture,
    'session_patchset leaves old values out, session_take starts afresh',
  ],
  [
    'sqlite3session_changeset_strm',
    '-',
    '-',
    'Session.changesetStream',
    '-',
    'sessions hand out their changeset in pieces, as bytes and as a stream',
  ],
  [
    'sqlite3session_patchset',
    'session.patchset',
    'session_patchset',
    'Session.patchset',
    'capture --patchset',
    'session_patchset leaves old values out, session_take starts afresh',
  ],
  [
    'sqlite3session_patchset_strm',
    '-',
    '-',
    'Session.patchsetStream',
    '-',
    'sessions hand out their changeset in pieces, as bytes and as a stream',
  ],
  [
    'sqlite3session_changeset_size',
    'session.changeset-size',
    'session_size',
    'Session.changesetSize',
    '-',
    'session_isempty, session_size and session_memory_used',
  ],
  [
    'sqlite3session_diff',
    'session.diff',
    'session_diff',
    'Session.diff',
    'diff',
    'session_diff records what makes one table of another',
  ],
  [
    'sqlite3session_isempty',
    'session.is-empty',
    'session_isempty',
    'Session.isEmpty',
    '-',
    'session_isempty, session_size and session_memory_used',
  ],
  [
    'sqlite3session_memory_used',
    'session.memory-used',
    'session_memory_used',
    'Session.memoryUsed',
    '-',
    'session_isempty, session_size and session_memory_used',
  ],
  [
    'sqlite3session_config',
    '-',
    '-',
    'SessionRegistry.stream',
    '-',
    'sessions hand out their changeset in pieces, as bytes and as a stream',
  ],
  [
    'sqlite3changeset_start',
    'changeset.changes',
    'changeset_rows',
    'Changeset[Symbol.iterator]',
    'show',
    'its changes are read with their types, keys and operations',
  ],
  [
    'sqlite3changeset_start_v2',
    'changeset.changes',
    'changeset_rows',
    'Changeset[Symbol.iterator]',
    'show',
    'its changes are read with their types, keys and operations',
  ],
  [
    'sqlite3changeset_start_strm',
    'changeset.append',
    '-',
    'Changeset.from',
    'show',
    'it comes in pieces of any length',
  ],
  [
    'sqlite3changeset_start_v2_strm',
    'changeset.append',
    '-',
    'Changeset.from',
    'show',
    'it comes in pieces of any length',
  ],
  [
    'sqlite3changeset_next',
    'changeset.changes',
    'changeset_rows',
    'Changeset[Symbol.iterator]',
    'show',
    'its changes are read with their types, keys and operations',
  ],
  [
    'sqlite3changeset_op',
    'changeset.changes',
    'changeset_rows',
    'Change.op',
    'show',
    'its changes are read with their types, keys and operations',
  ],
  [
    'sqlite3changeset_pk',
    'changeset.changes',
    'changeset_rows',
    'Change.key',
    'show --json',
    'a key in another order than the columns keeps its places',
  ],
  [
    'sqlite3changeset_old',
    'changeset.changes',
    'changeset_rows',
    'Change.old',
    'show',
    'its changes are read with their types, keys and operations',
  ],
  [
    'sqlite3changeset_new',
    'changeset.changes',
    'changeset_rows',
    'Change.new',
    'show',
    'its changes are read with their types, keys and operations',
  ],
  [
    'sqlite3changeset_conflict',
    '-',
    '-',
    'Conflict.conflicting',
    '-',
    'a handler sees kind, change and the row that is in the way',
  ],
  [
    'sqlite3changeset_fk_conflicts',
    apply[0],
    apply[1],
    'Conflict.foreignKeyViolations',
    apply[3],
    'violated foreign keys: counted, aborted by every policy; a rule can let them be',
  ],
  [
    'sqlite3changeset_finalize',
    'changeset.drop',
    'changeset_rows',
    'Changeset[Symbol.iterator]',
    'show',
    'its changes are read with their types, keys and operations',
  ],
  [
    'sqlite3changeset_invert',
    'changeset.invert',
    'changeset_invert',
    'Changeset.invert',
    'invert',
    'is inverted byte for byte as the C library does',
  ],
  [
    'sqlite3changeset_invert_strm',
    'changeset.invert',
    'changeset_invert',
    'Changeset.invert',
    'invert',
    'is inverted byte for byte as the C library does',
  ],
  [
    'sqlite3changeset_concat',
    'changeset.concat',
    'changeset_concat',
    'Changeset.concat',
    'concat',
    'is joined byte for byte as the C library does',
  ],
  [
    'sqlite3changeset_concat_strm',
    'changeset.concat',
    'changeset_concat',
    'Changeset.concat',
    'concat',
    'is joined byte for byte as the C library does',
  ],
  ['sqlite3changeset_apply', ...apply, 'policies: abort, ours, theirs, append-only'],
  [
    'sqlite3changeset_apply_strm',
    'changeset.append',
    '-',
    'DatabaseSync.applyChangeset',
    '-',
    'it comes in pieces of any length',
  ],
  ['sqlite3changeset_apply_v2', ...apply, 'flags: invert, ignoreNoop, fkNoAction, noUpdateLoop'],
  [
    'sqlite3changeset_apply_v2_strm',
    'changeset.append',
    '-',
    'DatabaseSync.applyChangeset',
    '-',
    'it comes in pieces of any length',
  ],
  [
    'sqlite3changeset_apply_v3',
    apply[0],
    apply[1],
    'applyChangeset({ filterChange })',
    'apply --table',
    'single changes are filtered',
  ],
  [
    'sqlite3changeset_apply_v3_strm',
    'changeset.append',
    '-',
    'applyChangeset({ filterChange })',
    '-',
    'single changes are filtered',
  ],
  [
    'sqlite3changegroup_new',
    'changeset.concat',
    'changeset_group',
    'ChangesetGroup',
    'concat',
    'changeset_group is concat over rows, in groups, of many rows',
  ],
  [
    'sqlite3changegroup_delete',
    'changeset.concat',
    'changeset_group',
    'ChangesetGroup.close',
    'concat',
    'changeset_group is concat over rows, in groups, of many rows',
  ],
  [
    'sqlite3changegroup_schema',
    'changeset.concat',
    '-',
    'ChangesetGroup.schema',
    'concat --schema',
    'a changeset made before a column was added joins one made after',
  ],
  [
    'sqlite3changegroup_config',
    'changeset.build',
    'changeset_from_json',
    'ChangesetGroup.patchset',
    'build',
    'it is made of values, as a changeset and as a patchset',
  ],
  [
    'sqlite3changegroup_add',
    'changeset.concat',
    'changeset_group',
    'ChangesetGroup.add',
    'concat',
    'changeset_group is concat over rows, in groups, of many rows',
  ],
  [
    'sqlite3changegroup_add_strm',
    'changeset.append',
    '-',
    'ChangesetGroup.add',
    'concat',
    'changeset_group is concat over rows, in groups, of many rows',
  ],
  [
    'sqlite3changegroup_add_change',
    '-',
    '-',
    'ChangesetGroup.addChange',
    '-',
    'it is made of values, as a changeset and as a patchset',
  ],
  ...[
    'change_begin',
    'change_int64',
    'change_double',
    'change_text',
    'change_blob',
    'change_null',
    'change_finish',
  ].map(
    (name): Row => [
      `sqlite3changegroup_${name}`,
      'changeset.build',
      'changeset_from_json',
      'Changeset.of',
      'build',
      'it is made of values, as a changeset and as a patchset',
    ],
  ),
  [
    'sqlite3changegroup_output',
    'changeset.concat',
    'changeset_group',
    'ChangesetGroup.output',
    'concat',
    'changeset_group is concat over rows, in groups, of many rows',
  ],
  [
    'sqlite3changegroup_output_strm',
    'changeset.read',
    '-',
    'ChangesetGroup.outputTo',
    '-',
    'sessions hand out their changeset in pieces, as bytes and as a stream',
  ],
  ...['create', 'configure', 'rebase', 'rebase_strm', 'delete'].map(
    (name): Row => [
      `sqlite3rebaser_${name}`,
      'changeset.rebase',
      'changeset_rebase',
      'Changeset.rebase',
      'rebase',
      'local changes are rebased on what was applied before them',
    ],
  ),
];

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const problems: string[] = [];

const bound = read('host/core/c/exports.txt')
  .split('\n')
  .filter((name) => /^sqlite3(session|changeset|changegroup|rebaser)_/.test(name));
for (const name of bound) if (!rows.some(([c]) => c === name)) problems.push(`${name} has no row`);
for (const [c] of rows) if (!bound.includes(c)) problems.push(`${c} is not bound`);

const wit = Object.fromEntries(['session', 'changeset'].map((name) => [name, read(`wit/1.1.0/${name}.wit`)]));
const guests = ['session/session.c', 'changeset/changeset.c', 'changeset/group.c', 'changeset/rows.c']
  .map((name) => read(`extensions/${name}`))
  .join('');
const tests = readdirSync(join(root, 'test'))
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => ({ name, text: read(`test/${name}`) }));

function linked(c: string, title: string): string {
  const found = tests.find(({ text }) => text.includes(`'${title}'`));
  if (!found) problems.push(`${c}: there is no test "${title}"`);
  return `[${title}](${found?.name})`;
}

const lines = rows.map(([c, offered, sql, code, command, title]) => {
  const [face = '', name = ''] = offered.split('.');
  if (offered !== '-' && !wit[face]?.includes(`  ${name}: func`))
    problems.push(`${c}: there is no ${offered} in the WIT`);
  if (sql !== '-' && !guests.includes(`"${sql}"`)) problems.push(`${c}: there is no SQL function ${sql}`);
  return `| ${[`\`${c}\``, offered, sql, code, command, linked(c, title)].join(' | ')} |`;
});

/** What users of other bindings ask for: answered by a test, or not, and why. */
const demands: readonly (readonly [demand: string, test: string | null, else_?: string])[] = [
  ['read the changes from JavaScript', 'its changes are read with their types, keys and operations'],
  ['JSON', 'goes through JSON without loss'],
  ['a diff that people can read', 'show names columns by a schema, and does without'],
  ['invert, undo', 'undo and redo, surviving a restart'],
  ['concat, groups', 'is joined byte for byte as the C library does'],
  ['a conflict handler that is a function', 'a handler sees kind, change and the row that is in the way'],
  ['the conflicting row', 'a handler sees kind, change and the row that is in the way'],
  ['REPLACE only where it is legal', 'a handler that replaces what cannot be replaced is told so'],
  ['declarative policies per table', 'rules: the first that matches decides, by table, operation and kind'],
  ['rebase', 'local changes are rebased on what was applied before them'],
  ['a session does not dangle when its database is closed', 'in any order, more than once by using'],
  [
    'a session and its database survive garbage collection',
    null,
    'held by the statement and session objects; a net frees what is forgotten. No test of its own',
  ],
  ['closing in a callback', 'SQL runs in a handler; closing the database there is refused'],
  [
    'exceptions of handlers and filters surface',
    'what a handler or filter throws surfaces as itself, and nothing is applied',
  ],
  [
    'applies in several workers share nothing',
    null,
    'each thread has an engine of its own. No test of its own',
  ],
  [
    'malformed bytes are an error',
    'mutated bytes: what the C library refuses is refused, and nothing else is but by a rule',
  ],
  ['validation', 'validate says which byte is wrong'],
  ['explicit close and using', 'in any order, more than once by using'],
  [
    'tables without a primary key',
    'session_create_rowid records tables without a key by rowid, and all where none is named',
  ],
  ['generated columns', 'generated columns are left out, so names fit the stored ones'],
  ['filter by row', 'single changes are filtered'],
  ['changesets across added columns', 'a changeset made before a column was added joins one made after'],
  [
    'changes of the schema in the stream',
    null,
    'not yet: a change of the schema is not part of a changeset; the daemon says so',
  ],
  ['triggers do not act twice unnoticed', 'more columns and triggers on the target are said'],
  ['foreign keys and UNIQUE in any order', 'flags: invert, ignoreNoop, fkNoAction, noUpdateLoop'],
  ['changes that are there already', 'flags: invert, ignoreNoop, fkNoAction, noUpdateLoop'],
  ['replaying twice', 'reports, and refuses the second time'],
  ['several changesets at once, all or none', 'several changesets are applied all or none'],
  ['streams, bounded memory', 'it comes in pieces of any length'],
  ['reading what is not committed', 'session_patchset leaves old values out, session_take starts afresh'],
  ['the empty changeset', 'the empty one is one: read, inverted, joined, applied'],
  ['no filter is asked where none is given', 'single changes are filtered'],
  [
    'capture of other writers, and after a restart',
    'killed and started again it goes on; started after its end it adds to its output',
  ],
  ['diff of two files', 'invert, concat and diff'],
  ['sessions in a common driver', 'sessions hand out their changeset in pieces, as bytes and as a stream'],
  [
    'one API across runtimes',
    null,
    'the names are those of node:sqlite; other runtimes than Node are not served',
  ],
  ['a build without sessions', null, 'does not arise: our own SQLite always has them'],
  ['indirect flag and kind are kept', 'goes through JSON without loss'],
  ['small deltas over a network', 'an outbox is filled and applied from by queries'],
  ['audit: who and when', 'an outbox is filled and applied from by queries'],
  ['leaving out shadow and other tables', 'session_filter keeps to globs'],
  ['dry run with a report', 'a dry run says what would be and changes nothing'],
  [
    'checks after applying',
    'violated foreign keys: counted, aborted by every policy; a rule can let them be',
  ],
  ['a command line', 'has help for all and for each'],
  [
    'tests shared across runtimes',
    null,
    'the table of cases of node:sqlite runs against both (api-table.ts)',
  ],
];
const answers = demands.map(
  ([demand, title, why], i) => `| ${i + 1} | ${demand} | ${title === null ? why : linked(demand, title)} |`,
);

const text = `# What is offered of the session extension

Made by scripts/coverage.ts, which fails where a C function has no row, or a row names what is not there. \`-\`: what the
C function does has no place there, for the whole value is at hand, or a callback would be needed.

| C | WIT | SQL | TypeScript | command line | test |
| --- | --- | --- | --- | --- | --- |
${lines.join('\n')}

# What users of other bindings ask for

| | demand | answered by |
| --- | --- | --- |
${answers.join('\n')}
`;

const target = join(root, 'test/COVERAGE.md');
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text)
    problems.push('test/COVERAGE.md is not what scripts/coverage.ts gives');
} else {
  writeFileSync(target, text);
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
