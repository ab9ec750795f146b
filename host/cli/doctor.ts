/** Implements `doctor [FOLDER]`, which checks the system and prints the facts that a bug report should contain. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { shown, shownJson } from '../core/shown.js';
import { DatabaseSync } from '../index.js';
import { cacheFolder } from '../node/cache-folder.js';
import { systemMappings } from '../node/mapping.js';
import { ownFile } from '../node/package.js';
import { flawOfLocks, systemLocks } from '../node/system-locks.js';
import { thisSystem } from '../node/systems.js';
import type { Action } from './command.js';
import { CommandError, exitCodes, reason } from './exit.js';
import { print } from './output.js';

/** A line of the report. */
interface Finding {
  readonly name: string;
  readonly value: string;
  /** Whether a feature is missing that the program can use. */
  readonly lacks: boolean;
}

export const doctor: Action = {
  operands: '[FOLDER]',
  options: { json: { help: 'print a JSON document' } },
  run({ rest, on }) {
    const findings = examine(rest[0] ?? '.');
    const width = Math.max(...findings.map(({ name }) => name.length));
    const asJson = Object.fromEntries(findings.map(({ name, value }) => [name, value]));
    const lines = findings.map(({ name, value }) => `${name.padEnd(width)}  ${shown(value)}\n`);
    print(on('json') ? `${shownJson(JSON.stringify(asJson, null, 2))}\n` : lines.join(''));
    return findings.some(({ lacks }) => lacks) ? exitCodes.failed : exitCodes.done;
  },
};

function examine(folder: string): Finding[] {
  const { version } = JSON.parse(readFileSync(ownFile('../package.json'), 'utf8')) as { version: string };
  using db = new DatabaseSync(':memory:');
  const { v, id } = db.prepare('SELECT sqlite_version() AS v, sqlite_source_id() AS id').get() ?? {};
  const fact = (name: string, value: string): Finding => ({ name, value, lacks: false });
  let work: string;
  try {
    work = mkdtempSync(join(folder, 'sqlite-wasm-run-doctor-'));
  } catch (error) {
    throw new CommandError(`cannot create files in ${folder}: ${reason(error)}`);
  }
  try {
    return [
      fact('sqlite-wasm-run', version),
      fact('sqlite', `${v} ${id}`),
      fact('node', `${process.version}, V8 ${process.versions.v8}`),
      fact('system', `${process.platform} ${process.arch} ${release()}`),
      fact('tested', thisSystem?.tried ? 'yes' : 'no: please report this output'),
      fact('cache folder', cacheFolder()),
      locks(work),
      mappings(),
      wal(work),
    ];
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Checks whether files in a folder can be locked. */
function locks(folder: string): Finding {
  const found = systemLocks();
  const answer = (value: string, lacks: boolean): Finding => ({ name: 'file locks', value, lacks });
  if (typeof found === 'string') return answer(`unavailable: ${found}`, true);
  const flaw = flawOfLocks(found, folder);
  return flaw === undefined ? answer(`yes, by ${found.call}`, false) : answer(`unavailable: ${flaw}`, true);
}

function mappings(): Finding {
  const found = systemMappings();
  return typeof found === 'string'
    ? { name: 'mapped memory', value: found, lacks: true }
    : { name: 'mapped memory', value: `yes, in pages of ${found.pageSize} bytes`, lacks: false };
}

/** Checks whether two connections can use a database in WAL mode. */
function wal(folder: string): Finding {
  const path = join(folder, 'wal.db');
  try {
    using writer = new DatabaseSync(path);
    writer.exec('PRAGMA journal_mode=WAL; CREATE TABLE t(a); BEGIN IMMEDIATE; INSERT INTO t VALUES(1)');
    using reader = new DatabaseSync(path);
    const { n } = reader.prepare('SELECT count(*) AS n FROM t').get() ?? {};
    writer.exec('COMMIT');
    const { n: now } = reader.prepare('SELECT count(*) AS n FROM t').get() ?? {};
    const isRight = n === 0 && now === 1;
    return {
      name: 'shared WAL',
      value: isRight ? 'yes' : `a reader saw ${n} and ${now} rows`,
      lacks: !isRight,
    };
  } catch (error) {
    return { name: 'shared WAL', value: `no: ${(error as Error).message}`, lacks: true };
  }
}
