/** Checks of what callers pass, with the error codes and the words of `node:sqlite`. */

type Code =
  | 'ERR_INVALID_ARG_TYPE'
  | 'ERR_INVALID_STATE'
  | 'ERR_OUT_OF_RANGE'
  | 'ERR_ILLEGAL_CONSTRUCTOR'
  | 'ERR_INVALID_ARG_VALUE';

function coded<E extends Error>(error: E, code: Code): E & { code: Code } {
  return Object.assign(error, { code });
}

export function invalidType(message: string): TypeError {
  return coded(new TypeError(message), 'ERR_INVALID_ARG_TYPE');
}

export function invalidState(message: string): Error {
  return coded(new Error(message), 'ERR_INVALID_STATE');
}

export function invalidValue(message: string): TypeError {
  return coded(new TypeError(message), 'ERR_INVALID_ARG_VALUE');
}

export function outOfRange(message: string): RangeError {
  return coded(new RangeError(message), 'ERR_OUT_OF_RANGE');
}

export function illegalConstructor(): TypeError {
  return coded(new TypeError('Illegal constructor'), 'ERR_ILLEGAL_CONSTRUCTOR');
}

/** What an option may be: `typeof`'s word. */
type Kind = 'boolean' | 'string' | 'function' | 'integer';

const articles: Record<Kind, string> = {
  boolean: 'a boolean',
  string: 'a string',
  function: 'a function',
  integer: 'an integer',
};

/** @throws TypeError unless `value` is of the kind */
export function checkArgument(name: string, value: unknown, kind: Kind): void {
  const fits = kind === 'integer' ? Number.isInteger(value) : typeof value === kind;
  if (!fits) throw invalidType(`The "${name}" argument must be ${articles[kind]}.`);
}

/**
 * Checks an options object: each option's kind, and that there is none of another name.
 *
 * @throws TypeError that names the option, and for an unknown one those that there are
 */
export function checkOptions(options: unknown, kinds: Readonly<Record<string, Kind>>): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) {
    throw invalidType('The "options" argument must be an object.');
  }
  for (const [name, value] of Object.entries(options)) {
    const kind = kinds[name];
    if (!kind) {
      throw invalidValue(`There is no option "${name}": there is ${Object.keys(kinds).join(', ')}.`);
    }
    if (value !== undefined) checkArgument(`options.${name}`, value, kind);
  }
}
