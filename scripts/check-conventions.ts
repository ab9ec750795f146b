/**
 * Checks conventions in host/. Fails if code makes an SqliteError outside core/errors.ts, writes a number of SQLite
 * outside core/constants.ts and changeset/format.ts, or parses an error message instead of testing `reason` or
 * `detail`.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { root } from './sources.js';

interface Convention {
  readonly pattern: RegExp;
  readonly instead: string;
  /** The files that are exempt, with the reason. */
  readonly except: Readonly<Record<string, string>>;
}

const conventions: readonly Convention[] = [
  {
    pattern: /\bnew SqliteError\(/,
    instead: 'makes an SqliteError: call sqliteError of core/errors.ts',
    except: { 'core/errors.ts': 'makes them' },
  },
  {
    pattern: /\bSQLITE_[A-Z_]+(?:: | = )(?:0x)?\d/,
    instead:
      'defines a number of SQLite: import it from core/constants.ts, which npm run build:tables generates',
    except: { 'core/constants.ts': 'is generated from the headers' },
  },
  {
    pattern:
      /(?:\b(?:code|errcode|extendedCode|extended|op|opcode)|& 0xff\)) *(?:[!=]==?|[<>]=?) *(?:0x0*)?[1-9]|=== ?0x5[04]\b/,
    instead: 'writes a number of SQLite: use its name in core/constants.ts or changeset/format.ts',
    except: {
      'changeset/hex.ts': 'codes of characters',
      'changeset/writer.ts': 'codes of characters',
      'core/shown.ts': 'codes of characters',
    },
  },
  {
    pattern:
      /\b(?:message|errstr)\)?\.(?:startsWith|endsWith|includes|indexOf|match|search|replace|slice)\(|\.(?:exec|test)\((?:String\(error\)|(?:\w+\.)?message\b)/,
    instead: 'parses an error message: test its reason or detail',
    except: {
      'cli/command.ts': 'Node reports option errors only as text',
      'cli/exit.ts': 'Node reports file errors only as text',
      'core/core.ts': 'SQLite reports file errors only as text',
      'loader/component.ts': 'V8 reports unsupported modules only as text',
      'node/system.ts': 'Node reports file errors only as text',
    },
  },
];

const host = join(root, 'host');
const problems: string[] = [];

for (const path of readdirSync(host, { recursive: true, encoding: 'utf8' }).sort()) {
  const name = path.split(sep).join('/');
  // The templates are programs of users.
  if (!name.endsWith('.ts') || name.startsWith('cli/templates/')) continue;
  const lines = readFileSync(join(host, path), 'utf8').split('\n');
  for (const { pattern, instead, except } of conventions) {
    const found = lines.findIndex((line) => pattern.test(line));
    if (found >= 0 && !(name in except)) problems.push(`host/${name}:${found + 1} ${instead}`);
    if (found < 0 && name in except)
      problems.push(`host/${name} does not need its exception: ${except[name]}`);
  }
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
