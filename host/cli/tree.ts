/** Runs the command that a command line names: a command, or a command of a group. */

import { nearest } from '../kernel/nearest.js';
import { called } from './called.js';
import { type Command, type Group, helpOf, parse, type Subcommand } from './command.js';
import { exitCodes, usageError } from './exit.js';
import { columnsOf, fitted } from './fitted.js';
import { print } from './output.js';

export function isGroup(subcommand: Subcommand): subcommand is Group {
  return 'commands' in subcommand;
}

/**
 * @param words the words that called the command, beginning with the program's name
 * @param args the arguments after these words
 * @returns the exit code
 */
export function runSubcommand(
  words: string,
  subcommand: Subcommand,
  args: readonly string[],
): Promise<number> {
  return isGroup(subcommand) ? runGroup(words, subcommand, args) : runCommand(words, subcommand, args);
}

function runCommand(
  words: string,
  command: Command,
  args: readonly string[],
  group?: Group,
): Promise<number> {
  return called(
    words,
    args,
    async () => helpOf(words, command.summary, await command.load()),
    async () => {
      const action = await command.load();
      const given = parse(words, action, args);
      if (!group) return action.run(given);
      return (await group.start())(command, action, given, args);
    },
  );
}

function runGroup(words: string, group: Group, args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const command = group.commands.find((known) => known.name === name);
  if (command) return runCommand(`${words} ${command.name}`, command, rest, group);
  return called(
    words,
    [],
    () => overview(words, group),
    () => withoutCommand(words, group, name),
  );
}

function overview(words: string, { commands, notes }: Group): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(
    ({ name, summary }) =>
      `  ${name.padEnd(width)}  ${summary.replaceAll('\n', `\n${' '.repeat(width + 4)}`)}\n`,
  );
  return `${words} COMMAND [options]\n\n${lines.join('')}\n${notes}`;
}

/** Prints the help of a group, if `name` asks for it. @throws CommandError otherwise */
function withoutCommand(words: string, group: Group, name: string | undefined): number {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(fitted(overview(words, group), columnsOf(1)));
    return name === undefined ? exitCodes.usage : exitCodes.done;
  }
  if (name.startsWith('-')) throw usageError(`expected a command before "${name}"; see ${words} --help`);
  const names = group.commands.map((known) => known.name);
  const near = nearest(name, names);
  throw usageError(
    `unknown command "${name}"; ${near ? `did you mean ${near}?` : `commands are ${names.join(', ')}`}`,
  );
}
