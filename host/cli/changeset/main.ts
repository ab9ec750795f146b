/** `sqlite-wasm-run changeset`: finds the subcommand and runs it. */

import { isMainThread } from 'node:worker_threads';
import { Engine } from '../../kernel/engine.js';
import { useEngine } from '../../kernel/engine-of-thread.js';
import { extensionLoader } from '../../loader/loader.js';
import { nodeFileSystem } from '../../vfs/node.js';
import {
  type Command,
  CommandError,
  complain,
  exitCodes,
  helpOf,
  lockingOption,
  nearest,
  parse,
} from '../command.js';
import { daemon } from '../daemon/daemon.js';
import { flush, print } from '../output.js';
import { statusLine, tick } from '../progress.js';
import { programName } from '../shell.js';
import { apply } from './apply.js';
import { capture } from './capture.js';
import { diff } from './diff.js';
import { poll, runInThread } from './interruption.js';
import { check, show, sql, stat } from './show.js';
import { build, concat, invert, rebase } from './transform.js';

const program = `${programName} changeset`;

/** In the order of the help. */
export const commands: readonly Command[] = (
  [capture, apply, show, sql, stat, check, invert, concat, rebase, build, diff, daemon] as const
).map((command: Command) => {
  const opens = command === diff || 'db' in command.options || 'schema' in command.options;
  return opens ? { ...command, options: { ...command.options, locking: lockingOption } } : command;
});

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(
    ({ name, summary }) =>
      `  ${name.padEnd(width)}  ${summary.replaceAll('\n', `\n${' '.repeat(width + 4)}`)}\n`,
  );
  return `${program} COMMAND [options]\n\n${lines.join('')}
A file named - is standard input or output. Each command has --help.
Exit codes: 0 done, 1 failed, 2 wrong use, 3 not applied for a conflict or check, 4 no changeset,\n130 interrupted by Ctrl-C.\n`;
}

/** @param args what follows `changeset`. Returns the exit code. */
export async function changesetMain(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const command = commands.find((known) => known.name === name);
  try {
    return await run(name, command, rest);
  } catch (error) {
    statusLine.clear();
    if (error instanceof CommandError && error.exitCode === exitCodes.unread) return error.exitCode;
    flush(); // what was printed before it
    return complain(`${program}${command ? ` ${command.name}` : ''}`, error);
  }
}

async function run(
  name: string | undefined,
  command: Command | undefined,
  args: readonly string[],
): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(overview());
    flush();
    return name === undefined ? exitCodes.usage : exitCodes.done;
  }
  if (name.startsWith('-')) {
    throw new CommandError(`a command comes first, not "${name}"; see ${program} --help`, exitCodes.usage);
  }
  if (!command) {
    const names = commands.map((known) => known.name);
    const near = nearest(name, names);
    throw new CommandError(
      `there is no command "${name}"${near ? `: did you mean ${near}?` : `: there is ${names.join(', ')}`}`,
      exitCodes.usage,
    );
  }
  if (args.includes('--help') || args.includes('-h')) {
    print(helpOf(program, command));
    flush();
    return exitCodes.done;
  }
  const given = parse(program, command, args);
  if (command.threaded && isMainThread) return runInThread([name, ...args]);
  const unlocked = nodeFileSystem({ locking: 'none' });
  const usual = given.text('locking') === 'none' ? unlocked : nodeFileSystem({ locking: 'auto' });
  useEngine(
    () =>
      new Engine({
        fileSystems: [usual, unlocked],
        extensions: (engine) => extensionLoader(engine),
        interrupted() {
          tick(); // asked now and then while a statement runs
          poll();
          return false;
        },
      }),
  );
  const code = await command.run(given);
  flush();
  return code;
}
