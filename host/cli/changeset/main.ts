/** `sqlite-wasm-run changeset`: finds the subcommand and runs it. */

import { daemon } from '../daemon/daemon.js';
import { type Command, CommandError, exitCodes, helpOf, nearest, parse } from './command.js';
import { apply, capture, diff } from './database.js';
import { check, show, sql, stat } from './show.js';
import { build, concat, invert, rebase } from './transform.js';

/** In the order of the help. */
export const commands: readonly Command[] = [
  capture,
  apply,
  show,
  sql,
  stat,
  check,
  invert,
  concat,
  rebase,
  build,
  diff,
  daemon,
];

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`).join('');
  return `sqlite-wasm-run changeset COMMAND [options]\n\n${lines}
A file named - is standard input or output. Each command has --help.
Exit codes: 0 done, 1 failed, 2 wrong use, 3 not applied for a conflict or check, 4 no changeset.\n`;
}

/** @param args what follows `changeset`. Returns the exit code. */
export async function changesetMain(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(overview());
    return name === undefined ? exitCodes.usage : exitCodes.done;
  }
  const command = commands.find((known) => known.name === name);
  try {
    if (!command) {
      const names = commands.map((known) => known.name);
      const near = nearest(name, names);
      throw new CommandError(
        `there is no command "${name}"${near ? `: did you mean ${near}?` : `: there is ${names.join(', ')}`}`,
        exitCodes.usage,
      );
    }
    if (rest.includes('--help') || rest.includes('-h')) {
      process.stdout.write(helpOf(command));
      return exitCodes.done;
    }
    return await command.run(parse(command, rest));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`sqlite-wasm-run changeset${command ? ` ${command.name}` : ''}: ${message}\n`);
    return error instanceof CommandError ? error.exitCode : exitCodes.failed;
  }
}
