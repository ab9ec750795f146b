/** `sqlite-wasm-run completion`: the completions of bash, zsh and fish with its scripts. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../kit/program.js';

let folder: string;

function run(command: string, ...args: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  return { status, out: stdout, err: stderr };
}

const sqliteWasmRun = (...args: string[]): ReturnType<typeof run> => run(process.execPath, program, ...args);

const present = (command: string, ...args: string[]): boolean => {
  const found = spawnSync(command, args).status === 0;
  if (!found) console.error(`no ${command}: its completion is not tested`);
  return found;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'completion-'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    writeFileSync(join(folder, `.script.${shell}`), sqliteWasmRun('completion', shell).out);
  }
  mkdirSync(join(folder, 'dir'));
  for (const name of ['a.cs', 'b c.cs', 'x.db']) writeFileSync(join(folder, name), '');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const subcommands = ['changeset', 'replica', 'inspect', 'new-extension', 'doctor', 'completion'];
const files = ['a.cs', 'b c.cs', 'dir', 'x.db'];
const changesetCommands = [
  ...[
    'capture',
    'apply',
    'show',
    'sql',
    'stat',
    'validate',
    'invert',
    'concat',
    'rebase',
    'build',
    'diff',
    'daemon',
  ],
];
const captureFlags =
  '--db --script -o --output --table --patchset --rowid --ddl --refuse --accept-loss --locking --help'.split(
    ' ',
  );

describe.skipIf(!present('bash', '--version'))('bash', () => {
  /** The completions of the last word, with the line split as in bash. */
  function offered(...words: string[]): string[] {
    const { out, err } = run(
      'bash',
      '--norc',
      '-c',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is bash's
      'source .script.bash; COMP_WORDS=(sqlite-wasm-run "$@"); COMP_CWORD=$#; _sqlite_wasm_run; printf "%s\\n" "${COMPREPLY[@]}"',
      'bash',
      ...words,
    );
    expect(err).toBe('');
    return out.split('\n').filter((line) => line !== '');
  }

  test.each<[string[], string[]]>([
    [['ch'], ['changeset']],
    [['changeset', ''], changesetCommands],
    [
      ['changeset', 'c'],
      ['capture', 'concat'],
    ],
    [['changeset', 'apply', '--po'], ['--policy']],
    [
      ['changeset', 'apply', '--policy', ''],
      ['abort', 'ours', 'theirs', 'append-only'],
    ],
    [['changeset', 'apply', '--policy', '=', 'th'], ['theirs']],
    [
      ['changeset', 'apply', '--policy', '='],
      ['abort', 'ours', 'theirs', 'append-only'],
    ],
    [['changeset', 'apply', '--table', ''], []],
    [['changeset', 'apply', 'b'], ['b c.cs']],
    [
      ['changeset', 'show', '--color', 'a'],
      ['always', 'auto'],
    ],
    [['changeset', 'capture', ''], captureFlags],
    [['changeset', 'capture', '-'], captureFlags],
    [['changeset', 'nothing', ''], []],
    [
      ['new-extension', '--world', 'ta'],
      ['tabular', 'tabular-writable'],
    ],
    [
      ['new-extension', '--language', ''],
      ['c', 'typescript'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['inspect', '--js'], ['--json']],
    [['-js'], ['-json']],
    [['--lock'], ['--locking']],
    [
      ['--locking', ''],
      ['auto', 'none'],
    ],
    [['--allow-sql', '=', ''], ['ro']],
    [['--allow-fs', ''], ['dir']],
    [['x.db', '-escape', 'a'], ['ascii']],
    [['x.db', '-cmd', ''], []],
  ])('%j', (words, wanted) => {
    expect(offered(...words)).toEqual(wanted);
  });
  test('files, in any order that the folder has', () => {
    expect(
      offered('changeset', 'apply', '--db', '')
        .filter((name) => !name.startsWith('.'))
        .sort(),
    ).toEqual(files);
    expect(
      offered('changeset', 'concat', 'a.cs', '')
        .filter((name) => !name.startsWith('.'))
        .sort(),
    ).toEqual(files);
    expect(
      offered('')
        .filter((name) => !name.startsWith('.'))
        .sort(),
    ).toEqual([...subcommands, ...files].sort());
  });
});

describe.skipIf(!present('fish', '--version'))('fish', () => {
  function offered(line: string): string[] {
    const { out, err } = run('fish', '--no-config', '-c', `source .script.fish; complete -C "${line}"`);
    expect(err).toBe('');
    return out.split('\n').flatMap((row) => (row === '' ? [] : [row.split('\t')[0] ?? '']));
  }

  test.each<[string, string[]]>([
    ['ch', ['changeset']],
    ['changeset c', ['capture', 'concat']],
    ['changeset ', changesetCommands.toSorted()],
    ['changeset apply --po', ['--policy']],
    ['changeset apply --policy ', ['abort', 'append-only', 'ours', 'theirs']],
    ['changeset apply --policy=t', ['--policy=theirs']],
    ['changeset apply --table ', []],
    ['changeset apply --db ', ['a.cs', 'b c.cs', 'dir/', 'x.db']],
    ['changeset apply b', ['b c.cs']],
    ['changeset capture ', []],
    ['changeset capture -o ', ['a.cs', 'b c.cs', 'dir/', 'x.db']],
    ['new-extension --world ta', ['tabular', 'tabular-writable']],
    ['completion ', ['bash', 'fish', 'zsh']],
    ['-js', ['-json']],
    ['--locking ', ['auto', 'none']],
    ['--allow-sql=', ['--allow-sql=ro']],
    ['--allow-fs ', ['dir/']],
  ])('%s', (line, wanted) => {
    expect(offered(`sqlite-wasm-run ${line}`)).toEqual(wanted);
  });
});

describe.skipIf(!(present('zsh', '--version') && present('tmux', '-V')))('zsh', () => {
  let socket: string;
  const tmux = (...args: string[]): string => run('tmux', '-L', socket, '-f', '/dev/null', ...args).out;

  /** Types into zsh until the screen matches. */
  async function screen(wanted: RegExp): Promise<string> {
    for (let tries = 0; tries < 200; tries++) {
      const text = tmux('capture-pane', '-p').trimEnd();
      if (wanted.test(text)) return text;
      await sleep(25);
    }
    throw new Error(`the screen never matched ${wanted}:\n${tmux('capture-pane', '-p')}`);
  }

  beforeAll(async () => {
    socket = `completion-${process.pid}`;
    tmux('new-session', '-d', '-x', '120', '-y', '50', 'zsh', '-f');
    const setUp = "PS1='Z> '; autoload -U compinit; compinit -u -D; source .script.zsh; clear; print ready";
    tmux('send-keys', '-l', setUp);
    tmux('send-keys', 'Enter');
    await screen(/^ready\nZ>/m);
  }, 20_000);
  afterAll(() => tmux('kill-server'));

  test.each<[string, RegExp]>([
    ['ch', /^Z> sqlite-wasm-run changeset$/m],
    ['changeset ca', /changeset capture$/m],
    ['changeset apply --po', /apply --policy$/m],
    ['changeset apply --policy t', /--policy theirs$/m],
    ['changeset apply --db x', /--db x\.db$/m],
    ['changeset apply b', /apply b\\ c\.cs$/m],
    ['changeset capture --script a.cs -o x', /-o x\.db$/m],
    ['changeset show --color n', /--color never$/m],
    ['-js', /run -json$/m],
    ['--locking n', /--locking none$/m],
    ['--allow-sql=r', /--allow-sql=ro$/m],
    ['--allow-fs d', /--allow-fs dir\/$/m],
    ['new-extension --language t', /--language typescript$/m],
    ['completion ', /^bash +fish +zsh$/m],
    ['changeset c', /^capture +-- Runs SQL on a database[^\n]*\nconcat +-- Writes one changeset/m],
  ])('%s', async (line, wanted) => {
    tmux('send-keys', 'C-u');
    tmux('send-keys', 'C-l');
    tmux('send-keys', '-l', `sqlite-wasm-run ${line}`);
    tmux('send-keys', 'Tab');
    await screen(wanted);
  });
});

describe('its sources', () => {
  test('the options of the sqlite3 shell are those of its help', () => {
    const { out, err } = sqliteWasmRun('-help');
    const listed = [...(out + err).matchAll(/^ {3}-([\w[\]-]+)(?: ([A-Z]+))?/gm)].flatMap(
      ([, name = '', value]) =>
        name.startsWith('[no]')
          ? [[name.slice(4)], [`no${name.slice(4)}`]]
          : [[name, ...(value ? [value] : [])]],
    );
    const script = sqliteWasmRun('completion', 'fish').out;
    const root = script.split('\n').filter((line) => line.includes("-n '__sqlite_wasm_run_at' -o "));
    const known = root.map((line) => {
      const [, name = '', rest = ''] = / -o (\S+)(.*)$/.exec(line) ?? [];
      return [name, ...(rest === '' ? [] : ['value'])];
    });
    const wanted = listed
      .filter(([name]) => !name?.startsWith('-'))
      .map(([name, value]) => [name, ...(value ? ['value'] : [])]);
    expect(known.sort()).toEqual(wanted.sort());
  });
  test('help, and an unknown shell', () => {
    expect(sqliteWasmRun('completion', '--help')).toMatchObject({
      status: 0,
      out: expect.stringContaining('source <(sqlite-wasm-run completion bash)'),
    });
    expect(sqliteWasmRun('completion', 'tcsh')).toEqual({
      status: 2,
      out: '',
      err: 'sqlite-wasm-run completion: unknown shell "tcsh"; choose bash, zsh, fish\n',
    });
    expect(sqliteWasmRun('completion')).toMatchObject({
      status: 2,
      err: 'sqlite-wasm-run completion: bash|zsh|fish is missing; see sqlite-wasm-run completion --help\n',
    });
    expect(sqliteWasmRun('-help').err).toContain(
      '   changeset            capture, read, transform and apply',
    );
  });
});
