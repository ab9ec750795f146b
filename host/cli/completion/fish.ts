/** Makes the completion script for fish 3.0 and later. */

import type { Flag, Place, Values } from './grammar.js';

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** The arguments of fish's `complete` command for the value of an option. */
function valueText(value: Values): string {
  if (value === 'files') return '-r -F';
  if (value === 'folders') return "-x -a '(__fish_complete_directories)'";
  if (value === 'any') return '-x';
  return `-x -a ${quoted(value.join(' '))}`;
}

function flagText(condition: string, { names, help, value, joined }: Flag): string {
  const parts = ['complete -c sqlite-wasm-run', `-n ${quoted(condition)}`];
  for (const name of names) {
    if (name.startsWith('--')) parts.push(`-l ${name.slice(2)}`);
    else parts.push(name.length === 2 ? `-s ${name.slice(1)}` : `-o ${name.slice(1)}`);
  }
  // fish cannot express an optional value.
  if (value !== undefined && !joined) parts.push(valueText(value));
  else if (joined && Array.isArray(value)) parts.push(`-f -a ${quoted(value.join(' '))}`);
  if (help !== '') parts.push(`-d ${quoted(help)}`);
  return `${parts.join(' ')}\n`;
}

function placeText({ path, words, flags, operands }: Place): string {
  const condition = ['__sqlite_wasm_run_at', ...path].join(' ');
  const lines = flags.map((flag) => flagText(condition, flag));
  const first = `${condition}; and test (count (commandline -opc)) -eq ${path.length + 1}`;
  for (const { name, help } of words) {
    const description = help === '' ? '' : ` -d ${quoted(help)}`;
    lines.push(`complete -c sqlite-wasm-run -n ${quoted(first)} -a ${name}${description}\n`);
  }
  if (operands === undefined) lines.push(`complete -c sqlite-wasm-run -n ${quoted(condition)} -f\n`);
  return lines.join('');
}

export function fishScript(places: readonly Place[]): string {
  const nested = places.filter(({ path }) => path.length > 0).map(({ path }) => quoted(path.join(' ')));
  return `# Completes sqlite-wasm-run in fish: sqlite-wasm-run completion fish | source

# Whether the command line is behind these words, and not behind longer ones that are known.
function __sqlite_wasm_run_at
    set -l words (commandline -opc)
    set -l place ''
    for count in 1 2
        set -l path (string join ' ' -- $words[2..(math $count + 1)])
        if test (count $words) -gt $count; and contains -- "$path" ${nested.join(' ')}
            set place $path
        end
    end
    test "$place" = "$argv"
end

complete -c sqlite-wasm-run -e
${places.map(placeText).join('')}`;
}
