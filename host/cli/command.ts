/** Commands: parsing, help and shell completion are made from one table of options. */

import { parseArgs } from 'node:util';
import { nearest } from '../kernel/nearest.js';
import { type CommandError, usageError } from './exit.js';
import { broken, helpWidth } from './fitted.js';
import { type OwnOptions, ownHelp, takeOwnOptions } from './options.js';

export interface Option {
  /** The name of its value in the help; without it the option is a switch. FILE, OUT and PATH are files. */
  readonly value?: string;
  /** The values that it takes; if absent, any. */
  readonly choices?: readonly string[];
  /** Some of its values, for shell completion. */
  readonly hints?: readonly string[];
  readonly short?: string;
  readonly multiple?: boolean;
  readonly required?: boolean;
  readonly help: string;
}

/** An option of all commands that open databases. */
export const lockingOption: Option = {
  value: 'auto|none',
  choices: ['auto', 'none'],
  help: 'lock files as sqlite3 does (auto), or not at all (none), which is safe only if nothing else uses them',
};

/** The options as they were given. */
export interface Given {
  /** What the shell's own options say, if the command takes them. */
  readonly own: OwnOptions | undefined;
  /** The value of an option; the last one if there are several. */
  text(name: string): string | undefined;
  texts(name: string): string[];
  on(name: string): boolean;
  readonly rest: readonly string[];
}

/** The action of a command, and what it takes. */
export interface Action {
  /** What follows the options, such as `IN ...`. */
  readonly operands: string;
  /** The least and the most operands. */
  readonly count: readonly [least: number, most: number];
  readonly options: Readonly<Record<string, Option>>;
  /** Whether it takes the options that the shell has beyond those of sqlite3, such as grants. */
  readonly takesOwn?: boolean;
  /** What the help says after the options. */
  readonly notes?: string;
  /** Whether it runs in a thread of its own, so that signals are handled while it works. */
  readonly threaded?: boolean;
  /** Returns the exit code. */
  run(given: Given): number | Promise<number>;
}

/** A command as it is known before it is loaded. */
export interface Command {
  readonly name: string;
  /** Its first line is used alone if there is room for only one. */
  readonly summary: string;
  load(): Promise<Action>;
}

/** A word that one of several commands follows. */
export interface Group {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
  /** What its help says after the commands. */
  readonly notes: string;
  /** Runs one of its commands. Returns the exit code. */
  start(): Promise<
    (command: Command, action: Action, given: Given, args: readonly string[]) => number | Promise<number>
  >;
}

/** The first word of a command line. */
export type Subcommand = Command | Group;

/** Names as a choice: "a, b or c". */
const anyOf = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;

/**
 * @param called the words that call the command
 * @throws CommandError that names what is wrong
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
  const [least, most] = command.count;
  if (positionals.length < least) {
    const missing = command.operands.split(' ').slice(positionals.length).join(' ');
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

/** The error for an option that has a value and should not, or the other way round. */
function wrongValue(command: Omit<Action, 'run'>, error: Error): string {
  const [, name = ''] = /--([\w-]+)/.exec(error.message) ?? [];
  const value = command.options[name]?.value;
  if (value === undefined) return `--${name} takes no value`;
  const dash = error.message.includes('ambiguous')
    ? ` (write a value that begins with a dash as --${name}=-x)`
    : '';
  return `--${name} ${value}: the value is missing${dash}`;
}

/** `--name VALUE` as the help shows it. */
function shown(name: string, { value, short }: Option): string {
  return `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`;
}

/** @param called the words that call the command */
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
