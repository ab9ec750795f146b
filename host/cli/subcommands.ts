/** The commands of the program except the shell. Each command is loaded only when it is called. */

import { changesetGroup } from './changeset/commands.js';
import type { Subcommand } from './command.js';
import { replicaGroup } from './replica/commands.js';

export const subcommands: readonly Subcommand[] = [
  changesetGroup,
  replicaGroup,
  {
    name: 'inspect',
    summary:
      "show a component's imports, exports and required grants,\n" +
      'and whether it can be loaded with the given options. Exit code: 0 if it\n' +
      'can, 1 if not, 2 if the file is missing or not WebAssembly.',
    load: async () => (await import('./inspect.js')).inspectCommand,
  },
  {
    name: 'new-extension',
    summary:
      'create a folder with an extension, its build and its test.\n' +
      'Then run in it: npm install && npm run build && npm test',
    load: async () => (await import('./new-extension.js')).newExtension,
  },
  {
    name: 'doctor',
    summary:
      'check the system, for a bug report:\n' +
      'versions, file locks, shared WAL. The files that it creates in FOLDER\n' +
      '(default: the current one) are removed. Exit code: 1 if something is\n' +
      'missing.',
    load: async () => (await import('./doctor.js')).doctor,
  },
  {
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    load: async () => (await import('./completion/main.js')).completionOf(subcommands),
  },
];

/** The text that `-help` adds to the shell's own help. */
export function subcommandHelp(): string {
  const lines = subcommands.map(
    ({ name, summary }) => `   ${name.padEnd(20)} ${summary.replace(/[,.:]?\n.*/s, '')}\n`,
  );
  return `Commands of sqlite-wasm-run, each with --help:\n${lines.join('')}`;
}
