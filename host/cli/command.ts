/** Subcommands: parsing, help and shell completion are made from one table of options. */

import { parseArgs } from 'node:util';
import { shown as shownText } from '../core/shown.js';
import { nearest } from '../kernel/nearest.js';

/** Exit codes of commands. */
export const exitCodes = {
  done: 0,
  /** A file, the database or a statement failed. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Everything was rolled back because of a conflict, a check or a refusal. */
  notApplied: 3,
  /** The input is not a changeset. */
  malformed: 4,
  /** Nobody reads standard output any more: what a shell reports for a program that SIGPIPE ended. */
  unread: 141,
} as const;

/** What the exit codes mean, as the help has it. */
export function exitHelp(): string {
  const meanings: readonly (readonly [code: number, meaning: string])[] = [
    [exitCodes.done, 'done'],
    [exitCodes.failed, 'failed'],
    [exitCodes.usage, 'wrong use'],
    [exitCodes.notApplied, 'not applied because of a conflict or check'],
    [exitCodes.malformed, 'not a changeset'],
  ];
  const text = meanings.map(([code, meaning]) => `${code} ${meaning}`).join(', ');
  return `Exit codes: ${text},\n130 interrupted by Ctrl-C.\n`.replace(', 3 ', ',\n3 ');
}

/** A failure whose sentence the user sees, with the exit code that it ends with. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A failure because of wrong use. */
export function usageError(message: string): CommandError {
  return new CommandError(message, exitCodes.usage);
}

/**
 * Prints on standard error why a command failed, in the same form for the whole program.
 *
 * @param command the words that called it, the program's name first
 * @returns the exit code
 */
export function complain(command: string, error: unknown): number {
  const code = error instanceof CommandError ? error.exitCode : exitCodes.failed;
  if (code === exitCodes.unread) return code;
  process.stderr.write(`${command}: ${shownText(error instanceof Error ? error.message : String(error))}\n`);
  return code;
}

/** A reason without the code, the call and the path that Node puts around it. */
export function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /^[A-Z0-9]+: (.*?)(?:, \w+(?: '.*')?)?$/s.exec(message)?.[1] ?? message;
}

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

/** The first word of a command line. */
export interface Subcommand {
  readonly name: string;
  readonly summary: string;
  /** The commands that can follow it. */
  readonly commands?: readonly Command[];
  /** @param args what follows the name. Returns the exit code. */
  run(args: readonly string[]): Promise<number>;
}

/**
 * @param called the words that call the command
 * @throws CommandError that names what is wrong
 */
export function parse(called: string, command: Omit<Action, 'run'>, args: readonly string[]): Given {
  const usage = (message: string): CommandError => usageError(`${message}; see ${called} --help`);
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
    if (wrong !== undefined) throw usage(`--${name} takes ${choices?.join(', ')}, not "${wrong}"`);
  }
  const [least, most] = command.count;
  if (positionals.length < least) throw usage(`${command.operands || 'an operand'} is missing`);
  if (positionals.length > most) throw usage(`unexpected argument "${positionals[most]}"`);
  return {
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

/** Columns of the help. */
const helpWidth = 80;

/** Breaks a text between words into lines of at most `width` characters. */
function broken(text: string, width: number): string[] {
  return text.match(new RegExp(`.{1,${width}}(?= |$)`, 'g'))?.map((line) => line.trimStart()) ?? [text];
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
  const operands = command.operands ? ` ${command.operands}` : '';
  return `${called}${words} [options]${operands}\n\n${summary}\n\n${lines}`;
}
