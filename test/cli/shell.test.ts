/** Compares the shell with a native sqlite3 of the same sources: output, errors, exit codes and files. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterAll, describe, expect, test } from 'vitest';
import { nativeShell } from '../kit/oracle.js';
import { program } from '../kit/program.js';

const native = nativeShell();
const scratch = mkdtempSync(join(tmpdir(), 'shell-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Case {
  args?: string[];
  stdin?: string;
  files?: Record<string, string>;
  env?: Record<string, string>;
  /** Output that differs in each run and is removed. */
  ignore?: RegExp;
  /** Run by sh, with the shell under test as $SQLITE. */
  script?: string;
}

interface Result {
  stdout: string;
  stderr: string;
  code: number | null;
  files: Record<string, string>;
}

let runs = 0;

function run(command: readonly string[], given: Case): Result {
  const folder = join(scratch, `${runs++}`, 'home');
  mkdirSync(join(folder, 'sub'), { recursive: true });
  for (const [name, content] of Object.entries(given.files ?? {})) writeFileSync(join(folder, name), content);
  const [file = '', ...before] = command;
  const options = {
    cwd: folder,
    input: given.stdin ?? '',
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      TMPDIR: folder,
      SQLITE_WASM_RUN_CACHE: process.env.SQLITE_WASM_RUN_CACHE,
      ...given.env,
    },
    encoding: 'utf8',
    maxBuffer: 1e9,
  } as const;
  const done =
    given.script === undefined
      ? spawnSync(file, [...before, ...(given.args ?? [])], { ...options, argv0: 'sqlite-wasm-run' })
      : spawnSync('bash', ['-c', given.script.replaceAll('$SQLITE', command.join(' '))], options);
  const clean = (text: string): string => (given.ignore ? text.replaceAll(given.ignore, '#') : text);
  const files: Record<string, string> = {};
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isFile()) files[name] = readFileSync(path).toString('latin1');
  }
  return { stdout: clean(done.stdout), stderr: clean(done.stderr), code: done.status, files };
}

const ours = (given: Case): Result => run([process.execPath, program], given);

const table = `CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL, d BLOB);
INSERT INTO t VALUES(1,'one',1.5,x'00ff41'),(2,'zwei, "ü" 日本 🎉',-2.0,NULL),(3,'it''s
two lines',1e300,x''),(9007199254740993,NULL,0.1,x'c3bc');
`;
const csv = 'id,name,note\n1,Ann,"a, b"\n2,Bob,"say ""hi"""\n3,Cy,"two\nlines"\n4,Dee\n';
const modes =
  'ascii box column csv html insert json jsonlines line list markdown qbox quote split table tabs tcl';
const sql = (text: string, more: Partial<Case> = {}): Case => ({ stdin: text, ...more });
const args = (...list: string[]): Case => ({ args: list });

/** Native sqlite3 prints no reason after this message. */
const cannotOpen = /unable to open database file.*/g;

const cases: Record<string, Case> = {
  'a script on stdin': sql("SELECT 1;\nSELECT 2, NULL, x'41', 'ü';\n"),
  'no newline at the end': sql('SELECT 1;\nSELECT 2'),
  'CRLF lines': sql('SELECT 1;\r\n.print x\r\nSELECT 2;\r\n'),
  'empty input': sql(''),
  'comments and blank lines': sql('-- c\n\n/* d\n */ SELECT 1; -- e\n# f\nSELECT 2;\n'),
  'go and /': sql('SELECT 1\ngo\nSELECT 2\n/\n'),
  'a trigger': sql(
    'CREATE TABLE t(a);CREATE TRIGGER r AFTER INSERT ON t BEGIN\nUPDATE t SET a=a+1;\nEND;\nINSERT INTO t VALUES(1);SELECT * FROM t;',
  ),
  'FILE and SQL': args('x.db', 'CREATE TABLE t(a)', 'INSERT INTO t VALUES(7)', '.tables', 'SELECT * FROM t'),
  'a path through ..': args('sub/../x.db', 'CREATE TABLE t(a);', '.tables'),
  'a missing folder': { ...args('none/x.db', 'SELECT 1;CREATE TABLE t(a)'), ignore: cannotOpen },
  'a folder as database': { ...args('sub', 'CREATE TABLE t(a)'), ignore: cannotOpen },
  'not a database': { args: ['x.db', 'SELECT * FROM sqlite_schema'], files: { 'x.db': csv.repeat(50) } },
  '-readonly': {
    script: '$SQLITE x.db "CREATE TABLE t(a)"; $SQLITE -readonly x.db "INSERT INTO t VALUES(1)"',
  },
  '-readonly, no file': { ...args('-readonly', 'x.db', 'SELECT * FROM t'), ignore: cannotOpen },
  '-ifexists, no file': { ...args('-ifexists', 'x.db', 'SELECT 1'), ignore: cannotOpen },
  '-cmd': { args: ['-cmd', '.mode json', '-cmd', 'SELECT 5 AS a'], stdin: 'SELECT 6 AS b;' },
  '-init': {
    args: ['-init', 'i.sql', ':memory:', 'SELECT 2'],
    files: { 'i.sql': '.headers on\nSELECT 1 AS x;\n' },
  },
  '-version': { args: ['-version'], ignore: /\((?:32|64)-bit.*\)/g },
  'an unknown option': args('-bogus'),
  'an option without its argument': args('-cmd'),
  'an unknown dot-command': sql('.bogus\nSELECT 1;\n'),
  'a dot-command misused': sql('.mode nonsense\n.import\n.open --x\nSELECT 1;\n'),
  'an error in an argument': args(':memory:', 'SELECT 1', 'SELEC 2', 'SELECT 3'),
  'errors with line numbers': sql('SELECT 1;\n\nSELECT * FROM\n  nowhere;\nSELECT )\n;\nSELECT 2;\n'),
  'a constraint': sql(
    'CREATE TABLE t(a UNIQUE);\nINSERT INTO t VALUES(1);\nINSERT INTO t VALUES(1);\nSELECT 9;',
  ),
  '-bail': { args: ['-bail'], stdin: 'SELECT 1;\nSELECT nope;\nSELECT 2;\n' },
  '.bail on': sql('.bail on\nSELECT 1;\nSELECT nope;\nSELECT 2;\n'),
  '.exit 7': sql('SELECT 1;\n.exit 7\nSELECT 2;\n'),
  '.exit after an error': sql('SELECT nope;\n.exit\n'),
  '.quit': sql('SELECT 1;\n.quit\nSELECT 2;\n'),
  'an unfinished statement': sql('SELECT 1,\n2'),
  'an unfinished string': sql("SELECT 'abc\n;"),
  '.read': {
    stdin: '.read a.sql\nSELECT 3;\n',
    files: { 'a.sql': 'SELECT 1;\n.read sub/../b.sql\n', 'b.sql': 'SELECT 2;\nSELECT oops;\n' },
  },
  '.read, no file': sql('.read none.sql\n'),
  '.read of a command': sql(".read '|echo SELECT 4;'\n"),
  '.cd and commands': sql(
    ".cd sub\n.shell pwd\n.once '|cat >o'\nSELECT 1;\n.import -csv '|echo a; pwd' t\nSELECT * FROM t;\n.read '|echo .print; echo .shell pwd'\n" +
      "SELECT edit('abc', 'sed -i s/b/B/');\n.output '|cat >p'\nSELECT 2;\n.output\n.system ls\n.cd ..\n.shell pwd; ls sub\n",
    { ignore: /\S*\/home\b/g },
  ),
  '.cd and .read': {
    stdin: '.cd sub\n.output ../o.txt\nSELECT 1;\n.output\n.cd ..\n.read a.sql\n',
    files: { 'a.sql': 'SELECT 2;\n' },
  },
  '.output and .once': sql('.output o.txt\nSELECT 1;\n.output\n.once p.txt\nSELECT 2;\nSELECT 3;\n'),
  '.once into a command': sql(".once '|cat -n'\nSELECT 'piped';\nSELECT 'not';\n"),
  '.output into a command, left open': sql(".output '|cat'\nSELECT 'piped';\n"),
  'output longer than buffers, and files left open, in the order of the commands': sql(
    '.mode csv\n.shell echo first\n' +
      'WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<9000) SELECT i, hex(i) FROM c;\n' +
      '.shell echo between\nSELECT 1;\n.output o.txt\n' +
      'WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<30000) SELECT i, hex(i) FROM c;\n' +
      '.shell wc -c <o.txt\n.output\n.import o.txt t\nSELECT count(*), max(length("31")) FROM t;\n' +
      '.output p.txt\nSELECT 2;\n.exit 3\n',
  ),
  '.system': sql('.system echo from system\n.shell echo from shell; exit 3\nSELECT 1;\n'),
  '.import csv': {
    stdin: '.mode csv\n.import d.csv d\nSELECT * FROM d;\n.schema\n',
    files: { 'd.csv': csv },
  },
  '.import --csv --skip': {
    stdin: 'CREATE TABLE d(a,b,c);\n.import --csv --skip 1 -v d.csv d\nSELECT * FROM d;\n',
    files: { 'd.csv': csv },
  },
  '.import of a command': sql('.import --csv \'|printf "a,b\\n1,2\\n"\' d\nSELECT * FROM d;\n'),
  '.import, no file': sql('.import none.csv d\n'),
  '.import of stdin': {
    script: "printf 'a|b\\n1|2\\n' | $SQLITE :memory: '.import /dev/stdin d' 'SELECT * FROM d'",
  },
  '.dump': sql(`${table}CREATE INDEX i ON t(b);CREATE VIEW v AS SELECT 1;\n.dump\n`),
  '.schema and .tables': sql(
    `${table}CREATE INDEX i ON t(b);\n.schema\n.tables\n.indexes\n.schema --indent\n.fullschema\n`,
  ),
  '.databases': sql("ATTACH 'y.db' AS y;\n.databases\n", { ignore: /\S*\/home\//g }),
  '.timer': sql('.timer on\nSELECT 1;\n', { ignore: /\d+\.\d+/g }),
  '.backup and .restore': sql(
    `${table}.backup b.db\nDELETE FROM t;\n.restore b.db\nSELECT count(*) FROM t;\n`,
  ),
  '.save and .open': sql(`${table}.save s.db\n.open s.db\nSELECT a FROM t;\n`),
  '.clone': sql(`${table}.clone c.db\n`),
  '.recover': sql(`${table}.recover\n`),
  '.expert': sql('CREATE TABLE t(a,b);\n.expert\nSELECT * FROM t WHERE a=5;\n'),
  '.eqp': sql('CREATE TABLE t(a,b);\n.eqp on\nSELECT * FROM t WHERE a=5 ORDER BY b;\n'),
  '.explain': sql('.eqp off\nEXPLAIN SELECT 1;\nEXPLAIN QUERY PLAN SELECT 1;\n'),
  '.parameter': sql(
    '.parameter init\n.parameter set @x 5\n.parameter set $y "\'text\'"\n.parameter list\nSELECT @x, $y, ?1;\n.parameter unset @x\nSELECT @x;\n',
  ),
  '.changes, .echo, .stats': sql('.changes on\n.echo on\nCREATE TABLE t(a);\nINSERT INTO t VALUES(1),(2);\n'),
  '.show': sql('.show\n'),
  '.help': sql('.help\n.help mode\n.help nothing\n'),
  '.sha3sum': sql(`${table}.sha3sum\n`),
  '.dbinfo': sql(`${table}.save s.db\n.open s.db\n.dbinfo\n`),
  '.lint': sql('CREATE TABLE p(a PRIMARY KEY);CREATE TABLE c(x REFERENCES p);\n.lint fkey-indexes\n'),
  '.limit, .dbconfig, .connection': sql('.limit\n.dbconfig\n.connection\n'),
  '.vfslist': sql('.print x\n.vfsname\n', { ignore: /unix|node/g }),
  '.log and .trace': sql('.trace stdout\nSELECT 1;\n.log stdout\nSELECT nope;\n'),
  '.archive': { stdin: '.archive --create d.csv\n.archive --list\n', files: { 'd.csv': csv } },
  '.testcase': sql('.testcase one\nSELECT 1;\n.check 1\n'),
  '-safe': { args: ['-safe'], stdin: '.system echo no\n' },
  'readfile, writefile, fsdir': {
    stdin:
      "SELECT writefile('w.txt','abc'), readfile('d.csv'), length(readfile('none'));\nSELECT name FROM fsdir('sub');\nSELECT lsmode(33188);\n",
    files: { 'd.csv': csv },
  },
  'permissions of files': {
    script: `umask 027; echo a >a; chmod 4751 a; mkdir -m 700 d; ln -s a l
$SQLITE 2>&1 <<'END'
SELECT name, printf('%o', mode), lsmode(mode) FROM fsdir('.') ORDER BY 1;
.cd d
SELECT writefile('w', 'x', 33216), writefile('r', 'x', 33056), writefile('s', 'x', 0), writefile('n/d/f', 'x');
SELECT writefile('e', NULL, 16877), writefile('e', NULL, 16832), writefile('old', 'x', 33188, 1700000000);
SELECT writefile('up', '../a', 41471), writefile('root', '/', 41471);
SELECT name, lsmode(mode), iif(name LIKE '%old', mtime, 0), iif(lsmode(mode) LIKE 'l%', data, 0) FROM fsdir('.') ORDER BY 1;
SELECT writefile('e/f/', NULL, 16877);
END
stat -c '%n %A' d/* | sort`,
  },
  'names of files that are not UTF-8': {
    script: String.raw`printf one >$'caf\xe9'; printf two >$'caf\xef\xbf\xbd'
$SQLITE <<'END'
SELECT hex(name), data, readfile(name) FROM fsdir('.') WHERE name LIKE '%caf%' ORDER BY 1;
SELECT writefile(CAST(x'e92e' AS TEXT), 'made', 33152);
END
ls -lb | awk '{print $1, $NF}'; rm -r *`,
  },
  'edit()': { args: ['x.db', "SELECT edit('abc','sed -i s/b/B/')"] },
  '.session': sql(
    'CREATE TABLE t(a INTEGER PRIMARY KEY, b);\n.session open main s\n.session s attach t\nINSERT INTO t VALUES(1,2);\n.session s changeset cs.bin\n.session s patchset ps.bin\n.session list\n.session s isempty\n.session s close\n',
  ),
  'generate_series, completion, regexp, sha3': sql(
    "SELECT sum(value) FROM generate_series(1,10);SELECT 'ab' REGEXP 'a.';SELECT hex(sha3('x'));SELECT candidate FROM completion('sel');",
  ),
  'json, fts5, rtree, math, dbstat': sql(
    "SELECT json_extract('[1,{\"a\":2}]','$[1].a'), sqrt(2), pi(), 1/3.0, 1e22;CREATE VIRTUAL TABLE f USING fts5(x);INSERT INTO f VALUES('hello world');SELECT * FROM f('hello');CREATE VIRTUAL TABLE r USING rtree(i,a,b);SELECT count(*) FROM dbstat;",
  ),
  'floating point': sql(
    "SELECT 0.1+0.2, 1e300*1e10, -1e300*1e10, 123456789.123456789, 5e-324, 1.7976931348623157e308, round(2.5), printf('%.20g', 0.1);",
  ),
  'time zones': {
    stdin:
      "SELECT datetime(1700000000,'unixepoch','localtime'), datetime(1720000000,'unixepoch','localtime'), datetime('2024-03-10 12:00','utc');",
    env: { TZ: 'America/New_York' },
  },
  'a deep expression': sql(`SELECT ${'('.repeat(900)}1${')'.repeat(900)};`),
  'a too deep expression': sql(`SELECT ${'1+'.repeat(1500)}1;`),
  'a deep recursive trigger': sql(
    'PRAGMA recursive_triggers=1;CREATE TABLE t(a);CREATE TRIGGER r AFTER INSERT ON t WHEN new.a<900 BEGIN INSERT INTO t VALUES(new.a+1);END;INSERT INTO t VALUES(1);SELECT count(*) FROM t;',
  ),
  'a wide line': sql(`SELECT length('${'x'.repeat(200_000)}');`),
  'a script of 100 000 lines': sql(
    `CREATE TABLE t(a);\nBEGIN;\n${'INSERT INTO t VALUES(1);\n'.repeat(100_000)}COMMIT;\nSELECT count(*) FROM t;\n`,
  ),
  'a file of 100 000 rows': {
    stdin: '.import --csv d.csv d\nSELECT count(*), sum(a) FROM d;\n.mode csv\nSELECT * FROM d;\n',
    files: { 'd.csv': `a,b\n${Array.from({ length: 100_000 }, (_, i) => `${i},x${i}\n`).join('')}` },
  },
  'a file argument with spaces and ü': args('my ü db', 'CREATE TABLE "tä b"(x)', '.tables'),
  '-interactive': {
    args: ['-interactive', '-noinit'],
    stdin: 'SELECT 1,\n2;\nSELECT oops;\n',
    ignore: /SQLite version .*/g,
  },
};
for (const option of 'ascii box column csv html json line list markdown quote table tabs'.split(' ')) {
  cases[`-${option}`] = { args: [`-${option}`], stdin: `${table}SELECT * FROM t;\n` };
}
for (const mode of modes.split(' ')) {
  cases[`.mode ${mode}`] = sql(
    `${table}.mode ${mode}\n.headers on\nSELECT * FROM t;\nSELECT 1 AS x, 2 WHERE 0;\n`,
  );
}
for (const options of [
  ['-header', '-separator', ';'],
  ['-nullvalue', 'N/A'],
  ['-noheader', '-csv'],
  ['-echo'],
]) {
  cases[options.join(' ')] = { args: options, stdin: `${table}SELECT * FROM t;\n` };
}

describe.skipIf(!native)('as native sqlite3', () => {
  test.each(Object.entries(cases))('%s', (_name, given) => {
    expect(ours(given)).toEqual(run([native ?? ''], given));
  });
});

describe('the command', () => {
  test('.cd also applies to databases and extensions', () => {
    const input = '.cd sub\n.open y.db\nCREATE TABLE t(a);\n.load session\n.tables\n.load nothing.wasm\n';
    const found = ours({ script: `printf '${input.replaceAll('\n', '\\n')}' | $SQLITE; ls sub` });
    expect(found).toMatchObject({ stdout: 't\ny.db\n', files: {} });
    expect(found.stderr).toMatch(/^Error: no such file: nothing\.wasm /);
  });
  test('.import into a new table keeps digits as text', () => {
    const values = ['00501', '12345678901234567890', '1.10', '1e5', '+4179', '0x10', ' 7'];
    const found = ours({
      args: [':memory:', '.import -csv z.csv z', 'SELECT v, typeof(v) FROM z', '.schema'],
      files: { 'z.csv': `v\n${values.join('\n')}\n` },
    });
    expect(found).toMatchObject({ code: 0, stderr: '' });
    expect(found.stdout).toBe(
      `${values.map((value) => `${value}|text\n`).join('')}CREATE TABLE "z"(\n"v");\n`,
    );
    const typed = ours({
      args: [
        ':memory:',
        'CREATE TABLE z(v INTEGER)',
        '.import -csv --skip 1 z.csv z',
        'SELECT typeof(v) FROM z',
      ],
      files: { 'z.csv': 'v\n00501\n' },
    });
    expect(typed.stdout).toBe('integer\n');
  });
  test.each([
    ['-csv', 'a,b\r\n1,2\r\n'],
    ['-list', 'a|b\n1|2\n'],
    ['-tabs', 'a\tb\n1\t2\n'],
    ['-ascii', 'a\x1fb\x1e1\x1f2\x1e'],
    ['-quote', "'a','b'\n1,2\n"],
  ])('-header %s prints a header', (mode, stdout) => {
    const statement = 'SELECT 1 AS a, 2 AS b';
    expect(ours(args('-header', mode, ':memory:', statement))).toMatchObject({ stdout, code: 0 });
    expect(ours(args(mode, '-header', ':memory:', statement))).toMatchObject({ stdout, code: 0 });
  });
  test('-version, .version and the banner show the versions of the engine and of the shell', () => {
    const engine = ours(args(':memory:', 'SELECT sqlite_version()')).stdout.trim();
    const shell = String.raw`shell of 3\.\d+\.\d+`;
    expect(ours(args('-version')).stdout).toMatch(new RegExp(`^${engine} .* \\(32-bit, ${shell}\\)\\n$`));
    expect(ours(args(':memory:', '.version')).stdout).toMatch(
      new RegExp(`^SQLite ${engine} .*\\n${shell}\\n`),
    );
    expect(ours({ args: ['-interactive'] }).stdout).toMatch(
      new RegExp(`^SQLite version ${engine} .* \\(${shell}\\)\\n`),
    );
  });
  test.each([
    ["ATTACH 'none/x.db' AS q", 'unable to open database: none/x.db'],
    ["VACUUM INTO 'none/x.db'", 'unable to open database: none/x.db'],
    ['.open none/x.db', 'unable to open database "none/x.db": unable to open database file'],
    ['.backup none/x.db', 'cannot open "none/x.db": unable to open database file'],
    ['.save none/x.db', 'cannot open "none/x.db": unable to open database file'],
    ['.restore none/x.db', 'cannot open "none/x.db": unable to open database file'],
    ['.clone none/x.db', 'Cannot create output database: unable to open database file'],
  ])('%s explains why a file cannot be opened', (command, said) => {
    const { stderr, code } = ours(args(':memory:', command));
    expect(code).toBe(command.startsWith('.open') || command.startsWith('.clone') ? 0 : 1);
    expect(stderr).toMatch(new RegExp(`${said}: the folder /.*/none does not exist\\n`));
  });
  test.each(['SELECT * FROM t', '.dump', '.schema', '.import d.csv t'])(
    '%s explains why a database is locked',
    (command) => {
      const make = 'PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)';
      const { stdout, stderr } = ours({
        args: ['--locking', 'none', 'held.db', make, '.connection 1', '.open held.db', command],
        files: { 'd.csv': '1\n' },
      });
      expect(stdout + stderr).toMatch(
        /database is locked: \S*held\.db: a database in WAL mode can be open in one connection at a time/,
      );
    },
  );
  test('.timer counts waiting as real time, not as user or sys', () => {
    using held = new DatabaseSync(join(scratch, 'waited.db'));
    held.exec('CREATE TABLE t(a); BEGIN EXCLUSIVE');
    const { stdout } = ours({
      stdin: `.open ${join(scratch, 'waited.db')}\n.timeout 1500\n.timer on\nDELETE FROM t;\n`,
    });
    const [real = 0, user = 0, sys = 0] = (stdout.match(/\d+\.\d+/g) ?? []).map(Number);
    expect(real).toBeGreaterThan(1.4);
    expect(user).toBeGreaterThan(0);
    expect(user + sys).toBeLessThan(1);
  });
  test('LIKE matches blobs, as in SQLite by default', () => {
    expect(ours(args(':memory:', "SELECT x'6162' LIKE 'ab%', x'6162' GLOB 'ab*'")).stdout).toBe('1|1\n');
  });
  test.each(['unix', 'unix-none', 'node', 'node-none'])('-vfs %s', (name) => {
    const made = ours({
      script: `$SQLITE -vfs ${name} x.db 'CREATE TABLE t(a)' .vfsname; $SQLITE 'file:x.db?vfs=${name}' .tables`,
    });
    expect(made).toMatchObject({ stdout: `${name}\nt\n`, stderr: '' });
  });
  test.each(['unix-dotfile', 'unix-excl', 'unix-namedsem'])('-vfs %s: what to use instead', (name) => {
    for (const opened of [
      args('-vfs', name, 'x.db', 'SELECT 1'),
      args(`file:x.db?vfs=${name}`, 'SELECT 1'),
    ]) {
      const refused = ours(opened);
      expect(refused).toMatchObject({ code: 1, files: {} });
      expect(refused.stderr).toMatch(
        `the VFS ${name} is unavailable: use unix, which locks as native SQLite`,
      );
    }
  });
  test('~/.sqliterc is read from $HOME', () => {
    const given = sql('SELECT 1 AS x;', { files: { '.sqliterc': '.mode json\n' } });
    expect(ours(given)).toMatchObject({ stdout: '[{"x":1}]\n', stderr: '' });
  });
  test('a clean run leaves stderr empty', () => {
    expect(ours(args('x.db', 'SELECT 1'))).toMatchObject({ stdout: '1\n', stderr: '', code: 0 });
  });
  test('it ends silently if its output is closed', () => {
    const script =
      '$SQLITE :memory: "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT x FROM c" | head -1';
    expect(ours({ script })).toMatchObject({ stdout: '1\n', stderr: '', code: 0 });
  });
  test('pipes behind /dev/fd', () => {
    const script =
      "$SQLITE :memory: '.read /dev/fd/9' '.output /dev/stdout' 'SELECT 3' 9< <(echo 'SELECT 77;') | cat";
    expect(ours({ script })).toMatchObject({ stdout: '77\n3\n', stderr: '' });
  });
  test('--locking', () => {
    expect(ours(args('--locking', 'none', 'x.db', 'CREATE TABLE t(a)', '.tables'))).toMatchObject({
      stdout: 't\n',
      code: 0,
    });
    expect(ours(args('--locking=auto', ':memory:', 'SELECT 1'))).toMatchObject({ stdout: '1\n', code: 0 });
    const refused = ours(args('--locking', 'some', 'x.db'));
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('--locking takes auto or none, not "some"');
    expect(ours(args('--locking')).stderr).toContain('--locking needs a value');
  });
  test('-help names the options of this program after the shell’s', () => {
    const { stderr, code } = ours(args('--help'));
    expect(code).toBe(0);
    expect(stderr).toMatch(/-readonly [\s\S]*--locking auto\|none/);
  });
});
