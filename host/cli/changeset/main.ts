/** `sqlite-wasm-run changeset`: finds the subcommand and runs it. */

import '../../node/platform.js';
import { isMainThread } from 'node:worker_threads';
import { Engine } from '../../kernel/engine.js';
import { useEngine } from '../../kernel/engine-of-thread.js';
import { nearest } from '../../kernel/nearest.js';
import { extensionLoader } from '../../loader/loader.js';
import { nodeFileSystem } from '../../node/files.js';
import { called } from '../called.js';
import { type Command, exitCodes, exitHelp, helpOf, parse, usageError } from '../command.js';
import { print } from '../output.js';
import { tick } from '../progress.js';
import { programName } from '../shell.js';
import { commands, loaded } from './commands.js';
import { poll, runInThread } from './interruption.js';

const program = `${programName} changeset`;

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(
    ({ name, summary }) =>
      `  ${name.padEnd(width)}  ${summary.replaceAll('\n', `\n${' '.repeat(width + 4)}`)}\n`,
  );
  return `${program} COMMAND [options]\n\n${lines.join('')}
A file named - is standard input or output. Each command has --help.
${exitHelp()}`;
}

/** @param args what follows `changeset`. Returns the exit code. */
export function changesetMain(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const command = commands.find((known) => known.name === name);
  if (!command) return called(program, [], overview, () => withoutCommand(name));
  const words = `${program} ${command.name}`;
  return called(
    words,
    rest,
    async () => helpOf(words, command.summary, await loaded(command)),
    () => run(words, command, rest),
  );
}

/** @throws CommandError if that is not for help */
function withoutCommand(name: string | undefined): number {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(overview());
    return name === undefined ? exitCodes.usage : exitCodes.done;
  }
  if (name.startsWith('-')) throw usageError(`expected a command before "${name}"; see ${program} --help`);
  const names = commands.map((known) => known.name);
  const near = nearest(name, names);
  throw usageError(
    `unknown command "${name}"; ${near ? `did you mean ${near}?` : `commands are ${names.join(', ')}`}`,
  );
}

async function run(words: string, command: Command, args: readonly string[]): Promise<number> {
  const action = await loaded(command);
  const given = parse(words, action, args);
  if (action.threaded && isMainThread) return runInThread([command.name, ...args]);
  const unlocked = nodeFileSystem({ locking: 'none' });
  const usual = given.text('locking') === 'none' ? unlocked : nodeFileSystem({ locking: 'auto' });
  useEngine(
    () =>
      new Engine({
        fileSystems: [usual, unlocked],
        extensions: (engine) => extensionLoader(engine),
        interrupted() {
          tick(); // called periodically while a statement runs
          poll();
          return false;
        },
      }),
  );
  return action.run(given);
}
