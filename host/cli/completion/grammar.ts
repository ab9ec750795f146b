/** Converts the tables of commands and options to a grammar for shell completion. */

import type { Action, Option, Subcommand } from '../command.js';
import { ownOptions, shellOptions, shellSwitches } from '../options.js';
import { isGroup } from '../tree.js';

/** The kind of a value. For `any`, nothing is offered. */
export type Values = 'files' | 'folders' | 'any' | readonly string[];

export interface Flag {
  /** The names of the option, such as `-o` and `--output`. */
  readonly names: readonly string[];
  readonly help: string;
  /** The kind of the value; undefined for a switch. */
  readonly value?: Values;
  /** The name of the value in the help. */
  readonly label: string;
  /** Whether the value is optional and can only follow `=`. */
  readonly joined: boolean;
  readonly repeated: boolean;
}

/** A word that calls a command or group, with its description. */
export interface Word {
  readonly name: string;
  readonly help: string;
}

/** The words, options and operands that can follow the words of `path` on the command line. */
export interface Place {
  readonly path: readonly string[];
  readonly words: readonly Word[];
  readonly flags: readonly Flag[];
  /** The kind of the operands; undefined if there are none. */
  readonly operands: Values | undefined;
}

const fileLabels = ['FILE', 'OUT', 'PATH'];

function flagOf(name: string, { value, choices, hints, help, short, multiple }: Option): Flag {
  return {
    names: [...(short === undefined ? [] : [`-${short}`]), `--${name}`],
    help,
    label: value ?? '',
    ...(value !== undefined && { value: choices ?? hints ?? (fileLabels.includes(value) ? 'files' : 'any') }),
    joined: false,
    repeated: multiple ?? false,
  };
}

const helpFlag = flagOf('help', { help: 'show help' });
const flagsOf = (options: Readonly<Record<string, Option>>): Flag[] => [
  ...Object.entries(options).map(([name, option]) => flagOf(name, option)),
  helpFlag,
];

const ownFlags: Flag[] = Object.entries(ownOptions).map(([name, { value, values, help }]) => {
  const [usage = '', text = ''] = help.split(/ {2,}/);
  return {
    names: [name],
    help: text,
    label: usage.replace(/^[^ =[]*[ =[]*/, '').replace(/\]$/, ''),
    ...(value !== 'never' && { value: values ?? 'any' }),
    joined: value === 'joined',
    repeated: true,
  };
});

/**
 * Makes the place of a command. Operands such as `a|b` are words. Other operands are files, except those that options
 * replace, as in `(--script FILE | -)`.
 */
function placeOf(path: readonly string[], { options, operands = '', takesOwn }: Action): Place {
  const choices = operands.includes('|') && !operands.startsWith('(') ? operands.split('|') : [];
  const files = choices.length === 0 && /^(?:FILE|IN|\w+\.db)\b/.test(operands);
  return {
    path,
    words: choices.map((name) => ({ name, help: '' })),
    flags: [...flagsOf(options), ...(takesOwn ? ownFlags : [])],
    operands: operands === '[FOLDER]' ? 'folders' : files ? 'files' : undefined,
  };
}

const shellFlags: Flag[] = [
  ...shellSwitches
    .split(' ')
    .map((name) => ({ names: [`-${name}`], help: '', label: '', joined: false, repeated: false })),
  ...Object.entries(shellOptions).map(([name, value]) => ({
    names: [`-${name}`],
    help: '',
    value,
    label: 'VALUE',
    joined: false,
    repeated: name === 'cmd',
  })),
];

const oneLine = (text: string): string => text.replace(/[,.:]?\n.*/s, '');

/** Returns the place of a command or group, followed by the places of the group's commands. */
async function placesOf(subcommand: Subcommand): Promise<Place[]> {
  const { name } = subcommand;
  if (!isGroup(subcommand)) return [placeOf([name], await subcommand.load())];
  const { commands } = subcommand;
  const words = commands.map((command) => ({ name: command.name, help: oneLine(command.summary) }));
  const inner = commands.map(async (command) => placeOf([name, command.name], await command.load()));
  return [{ path: [name], words, flags: [helpFlag], operands: undefined }, ...(await Promise.all(inner))];
}

/** Returns all places, outermost first. */
export async function places(subcommands: readonly Subcommand[]): Promise<Place[]> {
  const behind = await Promise.all(subcommands.map(placesOf));
  const words = subcommands.map(({ name, summary }) => ({ name, help: oneLine(summary) }));
  return [{ path: [], words, flags: [...ownFlags, ...shellFlags], operands: 'files' }, ...behind.flat()];
}
