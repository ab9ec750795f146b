/** The commands of the program beside the shell. Each is loaded when it is called: the shell does not wait for them. */

import { commands } from './changeset/commands.js';
import type { Subcommand } from './command.js';

export const subcommands: readonly Subcommand[] = [
  {
    name: 'changeset',
    summary: 'capture, read, transform and apply changesets',
    commands,
    run: async (args) => (await import('./changeset/main.js')).changesetMain(args),
  },
  {
    name: 'inspect',
    summary: "show a component's imports, exports and required grants",
    run: async (args) => (await import('./inspect.js')).inspectMain(args),
  },
  {
    name: 'new-extension',
    summary: 'create a folder with an extension, its build and its test',
    run: async (args) => (await import('./new-extension.js')).newExtensionMain(args),
  },
  {
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    run: async (args) => (await import('./completion/main.js')).completionMain(args, subcommands),
  },
];

/** What `-help` adds to the shell's own text. */
export function subcommandHelp(): string {
  const lines = subcommands.map(({ name, summary }) => `   ${name.padEnd(20)} ${summary}\n`);
  return `Commands of sqlite-wasm-run, each with --help:\n${lines.join('')}`;
}
