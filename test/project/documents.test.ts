/** The documents: links are valid, and examples work, also when run twice. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { root } from '../../scripts/sources.js';
import { sharedFolder } from '../kit/folder.js';
import { program } from '../kit/program.js';

const documents = [
  ...['.', '.github', 'wit', 'extensions', 'test', 'test/examples'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  ),
  ...readdirSync(join(root, 'host'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.startsWith(join('cli', 'templates')))
    .map((name) => join('host', name)),
];
const textOf = (name: string): string => readFileSync(join(root, name), 'utf8');
const blocks = (name: string, language: string): string[] =>
  [...textOf(name).matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)]
    .filter(([, found]) => found === language)
    .map(([, , block = '']) => block);

const folder = sharedFolder('documents');

beforeAll(() => {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/sqlite-wasm-run'), 'dir');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
});

function run(command: string, args: string[], input = ''): { out: string; err: string; code: number | null } {
  const { stdout, stderr, status } = spawnSync(command, args, { cwd: folder, encoding: 'utf8', input });
  return { out: stdout, err: stderr, code: status };
}

/** The anchor of a heading on GitHub. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

test.each(documents)('%s: its links lead to files and headings that are there', (name) => {
  const dead = [...textOf(name).matchAll(/\]\(((?!https?:)[^)\s]+)[^)]*\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => {
      const [path = '', heading] = target.split('#');
      const file = path === '' ? name : join(dirname(name), path);
      if (!existsSync(join(root, file))) return true;
      if (heading === undefined) return false;
      return ![...textOf(file).matchAll(/^#+ (.*)$/gm)].some(([, title = '']) => anchor(title) === heading);
    });
  expect(dead).toEqual([]);
});

test.each(['README.md', 'extensions/README.md'])('%s: its SQL, pasted twice', (name) => {
  for (const sql of [...blocks(name, 'sql'), ...blocks(name, 'sql')]) {
    expect(run(process.execPath, [program, 'data.db'], sql)).toMatchObject({ err: '', code: 0 });
  }
});

test('README.md: its command lines, after its SQL', () => {
  const lines = [...textOf('README.md').matchAll(/^ {4}npx sqlite-wasm-run (changeset .*)$/gm)].map(
    ([, line = '']) => line,
  );
  expect(lines.length).toBeGreaterThan(2);
  for (const line of lines) {
    expect(run(process.execPath, [program, ...line.split(' ')])).toMatchObject({ err: '', code: 0 });
  }
});

test('README.md: its JavaScript, twice', () => {
  const tsx = createRequire(import.meta.url).resolve('tsx');
  for (const source of [...blocks('README.md', 'js'), ...blocks('README.md', 'js')]) {
    writeFileSync(join(folder, 'block.ts'), source);
    const { out, err, code } = run(process.execPath, ['--import', `file://${tsx}`, 'block.ts']);
    expect([err, code]).toEqual(['', 0]);
    expect(out).toContain("name: 'dave'");
  }
});

test('host/api/README.md: its TypeScript, one block after the other', () => {
  const tsx = createRequire(import.meta.url).resolve('tsx');
  const imports: string[] = [];
  const body = blocks('host/api/README.md', 'ts')
    .join('')
    .replace(/^import .*\n/gm, (line) => {
      imports.push(line);
      return '';
    });
  writeFileSync(
    join(folder, 'api.ts'),
    `import { DatabaseSync } from 'sqlite-wasm-run';\n${imports.join('')}
    const schema = "CREATE TABLE users(id INTEGER PRIMARY KEY, name); INSERT INTO users VALUES(1, 'x')";
    const db = new DatabaseSync(':memory:');
    db.exec(schema);
    const copy = new DatabaseSync(':memory:');
    copy.exec(schema);
    { const session = copy.createSession(); copy.exec("INSERT INTO users VALUES(2, 'y')"); var bytes = session.changeset(); }
    ${body}`,
  );
  const { out, err, code } = run(process.execPath, ['--import', `file://${tsx}`, 'api.ts']);
  expect([err, code]).toEqual(['', 0]);
  expect(out).toBe("users insert [] [ 2n, 'y' ]\n1000000 Uint8Array(3) [ 1, 2, 3 ]\n");
});
