/** `sqlite-wasm-run inspect`: its output for components of all kinds. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { contract } from '../../host/interfaces/contract.js';
import { root } from '../../scripts/sources.js';
import { sharedFolder } from '../kit/folder.js';
import { guest } from '../kit/guests.js';
import { program } from '../kit/program.js';

const folder = sharedFolder('inspect');

function inspect(...args: string[]): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(process.execPath, [program, 'inspect', ...args], {
    encoding: 'utf8',
    cwd: folder,
  });
}

test('an included component', () => {
  const { stdout, stderr, status } = inspect('session');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^session\n {2}size +\d+ bytes\n {2}sha-256 +[0-9a-f]{64}\n {2}ships +with this program\n/,
  );
  expect(stdout).toContain(`  contract   sqlite:extension@${contract.version}\n`);
  expect(stdout).toMatch(/^ {2}world +.*minimal$/m);
  expect(stdout).toMatch(/^ {2}name +session 1\.\d+\.\d+$/m);
  expect(stdout).toMatch(/session_changeset\(1\)/);
  expect(stdout).toMatch(/^ {2}loads +yes$/m);
});

describe('each included component', () => {
  const shipped = readdirSync(join(root, 'extensions')).filter((name) => name.endsWith('.wasm'));
  const runsInterpreters = Number(process.versions.node.split('.')[0]) >= 22;

  test.each(shipped)('%s', (name) => {
    const { stdout, stderr, status } = inspect('--json', join(root, 'extensions', name));
    expect(stderr).toBe('');
    const said = JSON.parse(stdout) as Record<string, unknown>;
    expect(said).toMatchObject({ size: statSync(join(root, 'extensions', name)).size, shipped: true });
    if (name === 'text.wasm' && !runsInterpreters) {
      expect(said.loads).toBe(false);
      expect(stdout).toMatch(/Node v[\d.]+ cannot compile .*, which needs Node 22 or later/);
      expect(status).toBe(1);
    } else {
      expect(said).toMatchObject({ loads: true, described: { name: name.replace('.wasm', '') } });
      expect(status).toBe(0);
    }
  });
});

test('as JSON', () => {
  const { stdout, status } = inspect('--json', guest('echo'));
  expect(status).toBe(0);
  const bytes = readFileSync(guest('echo'));
  expect(JSON.parse(stdout)).toMatchObject({
    file: guest('echo'),
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    shipped: false,
    contracts: [`sqlite:extension@${contract.version}`],
    worlds: ['minimal'],
    described: {
      name: 'echo',
      version: '1.0.0',
      functions: expect.arrayContaining(['inc(1)', 'concat_all(-1)', 'det(1) deterministic']),
      tables: [],
    },
    loads: true,
  });
});

describe('a component that needs a grant', () => {
  test('names the option that grants it, and loads if it is granted', () => {
    const refused = inspect(guest('sql'));
    expect(refused.status).toBe(1);
    expect(refused.stdout).toMatch(/spi@[\d.]+ \(needs --allow-sql, or grants\.sql in code\)/);
    expect(refused.stdout).toMatch(
      /^ {2}loads +no: .*requires sqlite:extension\/spi@[\d.]+: allow it with --allow-sql/m,
    );
    expect(refused.stdout).toMatch(/^ {2}functions +sql_query\(-1\)$/m);
    const granted = inspect('--allow-sql=ro', guest('sql'));
    expect(granted.status).toBe(0);
    expect(granted.stdout).toMatch(/spi@[\d.]+ \(granted\)/);
  });

  test('sessions, which are not required to load it', () => {
    const plain = inspect(guest('owners'));
    expect(plain.status).toBe(0);
    expect(plain.stdout).toMatch(
      /session@[\d.]+\n +sessions of its own \(needs --allow-sql, .*\)\n +the user's sessions \(needs --allow-sessions, or grants\.sessions in code\)\n/,
    );
    expect(inspect('--allow-sessions', '--allow-sql=ro', guest('owners')).stdout).toMatch(
      /session@[\d.]+\n +sessions of its own \(granted\)\n +the user's sessions \(granted\)\n/,
    );
    const { imports } = JSON.parse(inspect('--json', guest('owners')).stdout);
    expect(imports).toContainEqual({
      name: `sqlite:extension/session@${contract.version}`,
      granted: true,
      parts: [
        { name: 'sessions of its own', granted: false, remedy: '--allow-sql, or grants.sql in code' },
        {
          name: "the user's sessions",
          granted: false,
          remedy: '--allow-sessions, or grants.sessions in code',
        },
      ],
    });
    expect(inspect('session').stdout).toMatch(/the user's sessions \(granted\)/);
  });

  test('files', () => {
    expect(inspect(guest('files')).stdout).toMatch(/wasi:filesystem\/types@0\.2\.\d+ \(needs --allow-fs DIR/);
    expect(inspect('--allow-fs', '.', guest('files')).status).toBe(0);
  });
});

test.each([
  ['core', /is a core module, not a component/],
  ['other-world', /is not an extension/],
  ['wrong-version', /is made for sqlite:extension\/session@2\.0\.0/],
  ['wants-unknown', /imports acme:things\/stuff@1\.0\.0, which this host does not offer/],
  ['traps', /failed to describe itself/],
])('%s would not load', (name, why) => {
  const { stdout, status } = inspect(guest(name));
  expect(stdout).toMatch(new RegExp(`^ {2}loads +no: .*${why.source}`, 'm'));
  expect(stdout).toMatch(/^ {2}described +no: ./m);
  expect(status).toBe(1);
});

test('a component that requires more memory than its limit', () => {
  const { stdout, status } = inspect('--max-memory', '64K', guest('stdio'));
  expect(stdout).toMatch(/loads +no: .*it requires 131072 bytes of memory/);
  expect(status).toBe(1);
});

test('a component that never returns', () => {
  const bytes = readFileSync(guest('hostile'));
  bytes.write('e', bytes.indexOf('MODE:') + 5);
  const file = join(folder, 'endless.wasm');
  writeFileSync(file, bytes);
  const { stdout, status } = inspect('--allow-sql', file);
  expect(stdout).toMatch(/loads +no: .*did not describe itself within 10 seconds/);
  expect(status).toBe(1);
}, 40_000);

test('a file of another kind', () => {
  writeFileSync(join(folder, 'a.db'), 'SQLite format 3\0');
  expect(inspect('--json', 'a.db')).toMatchObject({
    stdout: '',
    stderr:
      'sqlite-wasm-run inspect: a.db is an SQLite database; an extension is a component in WebAssembly\n',
    status: 2,
  });
});

test.each([
  [['nowhere.wasm'], /no such file: nowhere\.wasm/],
  [[], /FILE.wasm is missing/],
  [['a.wasm', 'b.wasm'], /unexpected argument "b.wasm"/],
  [['--yaml', 'session'], /unknown option --yaml; see/],
])('%j', (args, message) => {
  const { stderr, stdout, status } = inspect(...args);
  expect(stderr).toMatch(message);
  expect(stdout).toBe('');
  expect(status).toBe(2);
});
