/** `sqlite-wasm-run completion SHELL`: prints a script that makes a shell complete what this program takes. */

import { type Command, complain, exitCodes, helpOf, parse, type Subcommand, usageError } from '../command.js';
import { flush, print } from '../output.js';
import { programName } from '../shell.js';
import { bashScript } from './bash.js';
import { fishScript } from './fish.js';
import { places } from './grammar.js';
import { zshScript } from './zsh.js';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };
const shells = Object.keys(scripts);

const completion = (subcommands: readonly Subcommand[]): Command => ({
  name: 'completion',
  summary: `Prints a script that makes a shell complete what ${programName} takes. In the shell's own start-up file:

  bash  source <(${programName} completion bash)
  zsh   source <(${programName} completion zsh)      behind compinit
  fish  ${programName} completion fish | source`,
  operands: shells.join('|'),
  count: [1, 1],
  options: {},
  run(given) {
    const [shell = ''] = given.rest;
    const script = Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts] : undefined;
    if (!script) {
      throw usageError(`there is none for "${shell}": there is ${shells.join(', ')}`);
    }
    print(script(places(subcommands, shells)));
    return exitCodes.done;
  },
});

/**
 * @param args what follows `completion`
 * @param subcommands what is completed beside the shell
 * @returns the exit code
 */
export async function completionMain(
  args: readonly string[],
  subcommands: readonly Subcommand[],
): Promise<number> {
  const command = completion(subcommands);
  try {
    const help = args.includes('--help') || args.includes('-h');
    if (help) print(helpOf(programName, command));
    const code = help ? exitCodes.done : await command.run(parse(programName, command, args));
    flush();
    return code;
  } catch (error) {
    return complain(`${programName} completion`, error);
  }
}
