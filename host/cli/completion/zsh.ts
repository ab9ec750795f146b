/** Makes the completion script for zsh, which uses `_arguments`. */

import type { Flag, Place, Values, Word } from './grammar.js';

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
/** Escapes a text for a specification of `_arguments` or `_describe`. */
const escaped = (text: string): string => text.replace(/[\\[\]:]/g, '\\$&');

function action(value: Values): string {
  if (value === 'files') return '_files';
  if (value === 'folders') return '_files -/';
  if (value === 'any') return ' ';
  return `(${value.join(' ')})`;
}

function flagText({ names, help, value, label, joined, repeated }: Flag): string[] {
  const description = help === '' ? '' : `[${escaped(help)}]`;
  const others = repeated ? '*' : names.length > 1 ? `(${names.join(' ')})` : '';
  const behind = value === undefined ? '' : `:${joined ? ':' : ''}${escaped(label)}:${action(value)}`;
  return names.map((name) => quoted(`${others}${name}${joined ? '=-' : ''}${description}${behind}`));
}

const wordsText = (words: readonly Word[]): string =>
  words.map(({ name, help }) => quoted(help === '' ? name : `${name}:${escaped(help)}`)).join(' ');

function placeText({ path, words, flags, operands }: Place): string {
  const specs = flags.flatMap(flagText);
  if (operands !== undefined) specs.push(quoted(`*:file:${action(operands)}`));
  const lines = [`    ${quoted(path.join(' '))})`];
  if (words.length > 0) {
    lines.push(`      if (( CURRENT == ${path.length + 2} )) && [[ $PREFIX != -* ]]; then`);
    lines.push(`        words_here=(${wordsText(words)})`);
    lines.push('        _describe -t commands command words_here && found=0');
    if (operands !== undefined) lines.push('        _files && found=0');
    lines.push('        return found', '      fi');
  }
  if (path.length > 0)
    lines.push(
      `      words=("\${(@)words[${path.length + 1},-1]}")`,
      `      (( CURRENT -= ${path.length} ))`,
    );
  lines.push(`      _arguments ${specs.join(' \\\n        ')}`, '      ;;');
  return `${lines.join('\n')}\n`;
}

export function zshScript(places: readonly Place[]): string {
  const nested = places.filter(({ path }) => path.length > 0).map(({ path }) => quoted(path.join(' ')));
  return `#compdef sqlite-wasm-run
# Completes sqlite-wasm-run in zsh: source <(sqlite-wasm-run completion zsh), or this as _sqlite-wasm-run in a folder of $fpath

_sqlite_wasm_run() {
  local place='' found=1 i
  local -a words_here
  for (( i = 1; i < 3 && i + 1 < CURRENT; i++ )); do
    case "\${(j: :)words[2,i+1]}" in
      ${nested.join('|')}) place="\${(j: :)words[2,i+1]}" ;;
    esac
  done
  case $place in
${places.map(placeText).join('')}  esac
}

if [[ \${funcstack[1]} == _sqlite-wasm-run ]]; then
  _sqlite_wasm_run "$@"
else
  compdef _sqlite_wasm_run sqlite-wasm-run
fi
`;
}
