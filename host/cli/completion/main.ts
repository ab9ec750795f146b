/** `sqlite-wasm-run completion SHELL`: prints a completion script for this program. */

import { called } from '../called.js';
import { type Action, exitCodes, helpOf, parse, type Subcommand, usageError } from '../command.js';
import { print } from '../output.js';
import { programName } from '../shell.js';
import { bashScript } from './bash.js';
import { fishScript } from './fish.js';
import { places } from './grammar.js';
import { zshScript } from './zsh.js';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };
const shells = Object.keys(scripts);

const program = `${programName} completion`;

const summary = `Print a completion script. To use it, add this to the shell's start-up file:

  bash  source <(${program} bash)
  zsh   source <(${program} zsh)      (after compinit)
  fish  ${program} fish | source`;

const completion = (subcommands: readonly Subcommand[]): Action => ({
  operands: shells.join('|'),
  count: [1, 1],
  options: {},
  async run(given) {
    const [shell = ''] = given.rest;
    const script = Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts] : undefined;
    if (!script) {
      throw usageError(`unknown shell "${shell}"; choose ${shells.join(', ')}`);
    }
    print(script(await places(subcommands, shells)));
    return exitCodes.done;
  },
});

/**
 * @param args what follows `completion`
 * @param subcommands what is completed beside the shell
 * @returns the exit code
 */
export function completionMain(args: readonly string[], subcommands: readonly Subcommand[]): Promise<number> {
  const action = completion(subcommands);
  return called(
    program,
    args,
    () => helpOf(program, summary, action),
    () => action.run(parse(program, action, args)),
  );
}
