/** The grammar of the command line, from the tables that parsing and help are made from. */

import type { Action, Option, Subcommand } from '../command.js';
import { ownOptions, shellOptions, shellSwitches } from '../options.js';
import { isGroup } from '../tree.js';

/** What a value can be; `any` offers nothing. */
export type Values = 'files' | 'folders' | 'any' | readonly string[];

export interface Flag {
  /** Its spellings, such as `-o` and `--output`. */
  readonly names: readonly string[];
  readonly help: string;
  /** Without it the option is a switch. */
  readonly value?: Values;
  /** The name of the value in the help. */
  readonly label: string;
  /** Whether the value can only follow `=`, and is optional. */
  readonly joined: boolean;
  readonly repeated: boolean;
}

/** A word that calls a command. */
export interface Word {
  readonly name: string;
  readonly help: string;
}

/** A place on the command line: after the words of `path`. */
export interface Place {
  readonly path: readonly string[];
  readonly words: readonly Word[];
  readonly flags: readonly Flag[];
  /** What operands are besides the words; undefined if there are none. */
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

/** A command's place. Its operands are words, or files unless options replace them, as in `(--script FILE | -)`. */
function placeOf(path: readonly string[], { options, operands, count, takesOwn }: Action): Place {
  const choices = operands.includes('|') && !operands.startsWith('(') ? operands.split('|') : [];
  const files = count[1] > 0 && choices.length === 0 && /^(?:FILE|IN|\w+\.db)\b/.test(operands);
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

/** The places of a word of the command line: its own first, then those of its commands. */
async function placesOf(subcommand: Subcommand): Promise<Place[]> {
  const { name } = subcommand;
  if (!isGroup(subcommand)) return [placeOf([name], await subcommand.load())];
  const { commands } = subcommand;
  const words = commands.map((command) => ({ name: command.name, help: oneLine(command.summary) }));
  const inner = commands.map(async (command) => placeOf([name, command.name], await command.load()));
  return [{ path: [name], words, flags: [helpFlag], operands: undefined }, ...(await Promise.all(inner))];
}

/** All places, the outermost first. */
export async function places(subcommands: readonly Subcommand[]): Promise<Place[]> {
  const behind = await Promise.all(subcommands.map(placesOf));
  const words = subcommands.map(({ name, summary }) => ({ name, help: oneLine(summary) }));
  return [{ path: [], words, flags: [...ownFlags, ...shellFlags], operands: 'files' }, ...behind.flat()];
}
