/** The options that are ours and not the sqlite3 shell's: a fixed list, taken out before the shell sees any. */

export interface OwnOptions {
  locking: 'auto' | 'none';
}

interface OwnOption {
  readonly help: string;
  set(options: OwnOptions, value: string): boolean;
}

const known: Readonly<Record<string, OwnOption>> = {
  '--locking': {
    help: '--locking auto|none  the file locks that sqlite3 takes (auto), or none at all',
    set(options, value) {
      if (value !== 'auto' && value !== 'none') return false;
      options.locking = value;
      return true;
    },
  },
};

/**
 * Separates our options from the shell's, which stay as they are, in their order.
 *
 * @throws Error whose message the user sees
 */
export function takeOwnOptions(argv: readonly string[]): { args: string[]; own: OwnOptions } {
  const own: OwnOptions = { locking: 'auto' };
  const args: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i] ?? '';
    if (arg === '--') {
      args.push(...argv.slice(i));
      break;
    }
    const [, name = arg, joined] = /^(--[a-z-]+)=(.*)$/s.exec(arg) ?? [];
    const option = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!option) {
      args.push(arg);
      continue;
    }
    if (joined === undefined) i += 1;
    const value = joined ?? argv[i];
    if (value === undefined) throw new Error(`missing argument to ${name}`);
    if (!option.set(own, value)) throw new Error(`${name} does not take "${value}": ${option.help}`);
  }
  return { args, own };
}

/** What `-help` adds to the shell's own text. */
export function ownHelp(): string {
  const lines = Object.values(known).map(({ help }) => `   ${help}\n`);
  return `Options of sqlite-wasm-run:\n${lines.join('')}`;
}
