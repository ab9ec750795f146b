/** Commands and their options. One table of options is used for parsing, help and shell completion. */

import { parseArgs } from 'node:util';
import { nearest } from '../kernel/nearest.js';
import { type CommandError, usageError } from './exit.js';
import { broken, helpWidth } from './fitted.js';
import { type OwnOptions, ownHelp, takeOwnOptions } from './options.js';

export interface Option {
  /** The name of the value in the help; undefined for a switch. FILE, OUT and PATH are files. */
  readonly value?: string;
  /** The permitted values. By default any value is permitted. */
  readonly choices?: readonly string[];
  /** Some values, for shell completion. */
  readonly hints?: readonly string[];
  readonly short?: string;
  readonly multiple?: boolean;
  readonly required?: boolean;
  readonly help: string;
}

/** The option `--locking` of the commands that open databases. */
export const lockingOption: Option = {
  value: 'auto|none',
  choices: ['auto', 'none'],
  help: 'lock files as sqlite3 does (auto), or not at all (none), which is safe only if nothing else uses them',
};

/** The parsed options and operands. */
export interface Given {
  /** The options of {@link OwnOptions}, if the command takes them. */
  readonly own: OwnOptions | undefined;
  /** Returns the value of an option; the last value if it was given several times. */
  text(name: string): string | undefined;
  texts(name: string): string[];
  on(name: string): boolean;
  readonly rest: readonly string[];
}

/** The action of a command, its options and its operands. */
export interface Action {
  /** The operands in the help, such as `IN ...` or `[SEQ]`; absent if there are none. */
  readonly operands?: string;
  /** The minimum and maximum number of operands, if `operands` does not show them. */
  readonly count?: readonly [least: number, most: number];
  readonly options: Readonly<Record<string, Option>>;
  /** Whether the command takes the options that the shell has in addition to those of sqlite3, such as grants. */
  readonly takesOwn?: boolean;
  /** The text of the help after the options. */
  readonly notes?: string;
  /** Whether the command runs in a worker thread, so that signals are handled while it runs. */
  readonly threaded?: boolean;
  /** Returns the exit code; undefined for {@link exitCodes.done}. */
  run(given: Given): number | undefined | Promise<number | undefined>;
}

/** A command, which is loaded when it is called. */
export interface Command {
  readonly name: string;
  /** The description. If only one line fits, the first line is used. */
  readonly summary: string;
  load(): Promise<Action>;
}

/** A group of commands, such as `changeset`. */
export interface Group {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
  /** The text of the help after the commands. */
  readonly notes: string;
  /** Loads the function that runs the commands of the group. That function returns the exit code. */
  start(): Promise<
    (command: Command, action: Action, given: Given, args: readonly string[]) => ReturnType<Action['run']>
  >;
}

/** A command or group that can be the first word of a command line. */
export type Subcommand = Command | Group;

/** Joins names as a choice: "a, b or c". */
const anyOf = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;

/**
 * Parses the arguments of a command.
 *
 * @param called the words that call the command
 * @throws CommandError that says what is wrong
 */
export function parse(called: string, command: Omit<Action, 'run'>, argv: readonly string[]): Given {
  const { args, own } = command.takesOwn ? takeOwnOptions(argv) : { args: argv, own: undefined };
  const usage = (message: string): CommandError =>
    usageError(`${message}${message.endsWith('?') ? ' See' : '; see'} ${called} --help`);
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { value, short, multiple }]) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        multiple: multiple ?? false,
        ...(short !== undefined && { short }),
      },
    ]),
  );
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const [, unknown] = /Unknown option '(?:--)?([^']+)'/.exec(String(error)) ?? [];
    if (unknown === undefined) throw usage(wrongValue(command, error as Error));
    const near = nearest(unknown.replace(/^-+/, ''), Object.keys(options));
    const dashed = unknown.startsWith('-') ? unknown : `--${unknown}`;
    throw usage(`unknown option ${dashed}${near ? `; did you mean --${near}?` : ''}`);
  }
  const { values, positionals } = parsed;
  for (const [name, { required, value }] of Object.entries(command.options)) {
    if (required && values[name] === undefined) throw usage(`--${name} ${value} is missing`);
  }
  for (const [name, { choices }] of Object.entries(command.options)) {
    const wrong = choices && [values[name] ?? []].flat().find((value) => !choices.includes(String(value)));
    if (wrong !== undefined) throw usage(`--${name} takes ${anyOf(choices ?? [])}, not "${wrong}"`);
  }
  const { operands = '', count: [least, most] = countOf(operands) } = command;
  if (positionals.length < least) {
    const missing = operands.split(' ').slice(positionals.length).join(' ');
    throw usage(`${missing || 'an operand'} is missing`);
  }
  if (positionals.length > most) throw usage(`unexpected argument "${positionals[most]}"`);
  return {
    own,
    text(name) {
      const value = values[name];
      return (Array.isArray(value) ? value.at(-1) : value) as string | undefined;
    },
    texts: (name) => [values[name] ?? []].flat() as string[],
    on: (name) => values[name] === true,
    rest: positionals,
  };
}

/** The minimum and maximum number of operands with these names, such as `IN ...` or `[SEQ]`. */
function countOf(operands: string): [least: number, most: number] {
  const names = operands.split(' ').filter((name) => name !== '' && name !== '...');
  const most = operands.endsWith(' ...') ? Number.POSITIVE_INFINITY : names.length;
  return [names.filter((name) => !name.startsWith('[')).length, most];
}

/** The error message for an option with an unexpected value or a missing value. */
function wrongValue(command: Omit<Action, 'run'>, error: Error): string {
  const [, name = ''] = /--([\w-]+)/.exec(error.message) ?? [];
  const value = command.options[name]?.value;
  if (value === undefined) return `--${name} takes no value`;
  const dash = error.message.includes('ambiguous')
    ? ` (write a value that begins with a dash as --${name}=-x)`
    : '';
  return `--${name} ${value}: the value is missing${dash}`;
}

/** Formats an option for the help, such as `--name VALUE`. */
function shown(name: string, { value, short }: Option): string {
  return `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`;
}

/** Makes the help of a command. @param called the words that call the command */
export function helpOf(called: string, summary: string, command: Omit<Action, 'run'>): string {
  const required = Object.entries(command.options).filter(([, option]) => option.required);
  const words = required.map(([name, { value }]) => ` --${name} ${value}`).join('');
  const rows = Object.entries(command.options).map(
    ([name, option]) => [shown(name, option), option.help] as const,
  );
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  const indent = `\n${' '.repeat(width + 4)}`;
  const lines = rows
    .map(([left, right]) => `  ${left.padEnd(width)}  ${broken(right, helpWidth - width - 4).join(indent)}\n`)
    .join('');
  const sentence = summary.charAt(0).toUpperCase() + summary.slice(1);
  const operands = command.operands ? ` ${command.operands}` : '';
  const more = `${command.takesOwn ? `\n${ownHelp()}` : ''}${command.notes ? `\n${command.notes}` : ''}`;
  const options = rows.length > 0 || command.takesOwn ? ' [options]' : '';
  return `${called}${words}${options}${operands}\n\n${sentence}\n${lines && `\n${lines}`}${more}`;
}
