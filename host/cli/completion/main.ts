/** Implements `sqlite-wasm-run completion SHELL`, which prints a completion script for this program. */

import type { Action, Subcommand } from '../command.js';
import { usageError } from '../exit.js';
import { print } from '../output.js';
import { programName } from '../shell.js';
import { bashScript } from './bash.js';
import { fishScript } from './fish.js';
import { places } from './grammar.js';
import { zshScript } from './zsh.js';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };
const shells = Object.keys(scripts);

const program = `${programName} completion`;

const notes = `To use it, add this to the shell's start-up file:

  bash  source <(${program} bash)
  zsh   source <(${program} zsh)      (after compinit)
  fish  ${program} fish | source
`;

/** Makes the command. @param subcommands the commands to complete, in addition to the shell */
export const completionOf = (subcommands: readonly Subcommand[]): Action => ({
  operands: shells.join('|'),
  options: {},
  notes,
  async run(given) {
    const [shell = ''] = given.rest;
    const script = Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts] : undefined;
    if (!script) {
      throw usageError(`unknown shell "${shell}"; choose ${shells.join(', ')}`);
    }
    print(script(await places(subcommands)));
  },
});
