/** Completes dot-commands and their file arguments, which the shell itself does not complete. */

import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';

const commands =
  'auth backup bail cd changes check clone connection crlf databases dbconfig dbinfo dbtotxt dump echo eqp ' +
  'excel exit expert explain filectrl fullschema headers help import imposter indexes intck limit lint load ' +
  'log mode nonce nullvalue once open output parameter print progress prompt quit read recover restore save scanstats ' +
  'schema separator session sha3sum shell show stats system tables testcase timeout timer trace version ' +
  'vfsinfo vfslist vfsname width www';

/**
 * Returns the candidates for the last word of a dot-command, and that word.
 *
 * @param directory the working directory of the shell
 */
export function completeCommand(line: string, directory: string): [string[], string] {
  const [word = ''] = /\S*$/.exec(line) ?? [];
  if (word === line) {
    const names = commands.split(' ').map((name) => `.${name}`);
    return [names.filter((name) => name.startsWith(word)), word];
  }
  return [files(word, directory), word];
}

function files(word: string, directory: string): string[] {
  const [folder = '', name = ''] = /^(.*\/)?([^/]*)$/.exec(word)?.slice(1) ?? [];
  try {
    return readdirSync(resolve(directory, folder), { withFileTypes: true })
      .filter((entry) => entry.name.startsWith(name) && (name !== '' || !entry.name.startsWith('.')))
      .map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`);
  } catch {
    return [];
  }
}
