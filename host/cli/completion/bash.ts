/** Makes the completion script for bash 3.2 and later. The script does not need the package bash-completion. */

import type { Flag, Place, Values } from './grammar.js';

/** Quotes a word for bash. */
const quoted = (text: string): string =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** The bash command that offers values. */
function offer(values: Values): string {
  if (values === 'files') return '_sqlite_wasm_run_files -f';
  if (values === 'folders') return '_sqlite_wasm_run_files -d';
  if (values === 'any') return ':';
  return `_sqlite_wasm_run_words ${values.map(quoted).join(' ')}`;
}

/** The branch of a `case` command that completes the value of an option. */
function branch({ names, value, joined }: Flag): string {
  if (value === undefined) return '';
  // Options with one dash take their value only from the next word.
  const patterns = joined ? names.map((name) => `${name}=`) : names.flatMap((name) => [name, `${name}=`]);
  return `        ${patterns.join('|')}) ${offer(value)}; return ;;\n`;
}

function placeText({ path, words, flags, operands }: Place): string {
  const names = flags.flatMap((flag) => flag.names).map(quoted);
  const first = words.map(({ name }) => quoted(name));
  // If nothing else can follow, offer options even before a dash is typed.
  const otherwise: string[] = [];
  if (first.length > 0)
    otherwise.push(`(( COMP_CWORD == ${path.length + 1} )) && _sqlite_wasm_run_words ${first.join(' ')}`);
  if (operands !== undefined) otherwise.push(offer(operands));
  if (otherwise.length === 0) otherwise.push(`_sqlite_wasm_run_words ${names.join(' ')}`);
  return `    ${quoted(path.join(' '))})
      case $option in
${flags.map(branch).join('')}      esac
      case $cur in
        -*) _sqlite_wasm_run_words ${names.join(' ')} ;;
        *)
${otherwise.map((line) => `          ${line}\n`).join('')}          ;;
      esac
      ;;
`;
}

/** Returns the script, which defines three functions. */
export function bashScript(places: readonly Place[]): string {
  const nested = places.filter(({ path }) => path.length > 0).map(({ path }) => quoted(path.join(' ')));
  return `# Completes sqlite-wasm-run in bash: source <(sqlite-wasm-run completion bash)

_sqlite_wasm_run_words() {
  local word
  for word in "$@"; do
    if [[ $word == "$cur"* ]]; then COMPREPLY+=("$word"); fi
  done
}

_sqlite_wasm_run_files() {
  local file
  compopt -o filenames 2>/dev/null
  while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen "$1" -- "$cur")
}

_sqlite_wasm_run() {
  local cur=\${COMP_WORDS[COMP_CWORD]} option='' place=''
  (( COMP_CWORD > 1 )) && option=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  # bash takes "--name=value" for three words.
  if [[ $cur == = ]]; then
    cur='' option=$option=
  elif [[ $option == = ]] && (( COMP_CWORD > 2 )); then
    option=\${COMP_WORDS[COMP_CWORD-2]}=
  fi
  local words=' ' i
  for (( i = 1; i < COMP_CWORD && i < 3; i++ )); do
    words+="\${COMP_WORDS[i]} "
    case "\${words:1:\${#words}-2}" in
      ${nested.join('|')}) place=\${words:1:\${#words}-2} ;;
    esac
  done
  case $place in
${places.map(placeText).join('')}  esac
}

complete -F _sqlite_wasm_run sqlite-wasm-run
`;
}
