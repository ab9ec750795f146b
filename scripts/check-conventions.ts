/**
 * What each file in host/ leaves to one place: fails if an error of SQLite is made outside core/errors.ts, if a
 * number of SQLite's stands beside core/constants.ts and changeset/format.ts, and where the message of an error is
 * taken to pieces, which is what `reason` and `detail` are for.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { root } from './sources.js';

interface Convention {
  readonly pattern: RegExp;
  readonly instead: string;
  /** The files that need not hold it, each with the reason. */
  readonly except: Readonly<Record<string, string>>;
}

const conventions: readonly Convention[] = [
  {
    pattern: /\bnew SqliteError\(/,
    instead: 'makes an SqliteError: sqliteError of core/errors.ts does',
    except: { 'core/errors.ts': 'makes them' },
  },
  {
    pattern: /\bSQLITE_[A-Z_]+(?:: | = )(?:0x)?\d/,
    instead: "defines a number of SQLite's: core/constants.ts has it, made by npm run build:tables",
    except: { 'core/constants.ts': 'is made of the headers' },
  },
  {
    pattern:
      /(?:\b(?:code|errcode|extendedCode|extended|op|opcode)|& 0xff\)) *(?:[!=]==?|[<>]=?) *(?:0x0*)?[1-9]|=== ?0x5[04]\b/,
    instead: "writes a number of SQLite's: core/constants.ts and changeset/format.ts have names for them",
    except: {
      'changeset/hex.ts': 'codes of characters',
      'changeset/writer.ts': 'codes of characters',
      'core/shown.ts': 'codes of characters',
    },
  },
  {
    pattern:
      /\b(?:message|errstr)\)?\.(?:startsWith|endsWith|includes|indexOf|match|search|replace|slice)\(|\.(?:exec|test)\((?:String\(error\)|(?:\w+\.)?message\b)/,
    instead: 'takes a message to pieces: test the reason of the error, or its detail',
    except: {
      'cli/command.ts': 'what Node says of options comes as text only',
      'cli/exit.ts': 'what Node says of files comes as text only',
      'core/core.ts': 'what SQLite says of files comes as text only',
      'loader/component.ts': 'what V8 says of modules that it does not know comes as text only',
      'node/system.ts': 'what Node says of files comes as text only',
    },
  },
];

const host = join(root, 'host');
const problems: string[] = [];

for (const path of readdirSync(host, { recursive: true, encoding: 'utf8' }).sort()) {
  const name = path.split(sep).join('/');
  // The templates are other people's programs.
  if (!name.endsWith('.ts') || name.startsWith('cli/templates/')) continue;
  const lines = readFileSync(join(host, path), 'utf8').split('\n');
  for (const { pattern, instead, except } of conventions) {
    const found = lines.findIndex((line) => pattern.test(line));
    if (found >= 0 && !(name in except)) problems.push(`host/${name}:${found + 1} ${instead}`);
    if (found < 0 && name in except)
      problems.push(`host/${name} is an exception for nothing: ${except[name]}`);
  }
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
