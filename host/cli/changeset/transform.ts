/** Implements the commands that make changesets: invert, concat, rebase and build. */

import { ChangesetError, fromJson } from '../../changeset/index.js';
import {
  type CaptureEntry,
  Changeset,
  encodeCapture,
  Rebaser,
  SqliteError,
  type StatementSettings,
} from '../../index.js';
import type { Action, Option } from '../command.js';
import { CommandError, exitCodes } from '../exit.js';
import { Progress } from '../progress.js';
import {
  changesetsOf,
  condensed,
  joined,
  pieces,
  readChangeset,
  readEntries,
  statementsOf,
} from './entries.js';
import { nameOf, Output, openDatabase, readInput } from './files.js';

export const outputOption: Option = {
  value: 'OUT',
  short: 'o',
  help: 'the file to write (default: standard output)',
};

/** Runs `action`, and reports errors of SQLite and the codec as malformed input, with `prefix` in front. */
function ofInput<T>(action: () => T, prefix = ''): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof SqliteError || error instanceof ChangesetError)) throw error;
    const detail = error instanceof SqliteError ? error.detail : undefined;
    throw new CommandError(`${prefix}${detail ?? error.message}`, exitCodes.malformed);
  }
}

export const invert: Action = {
  operands: 'IN',
  options: { output: outputOption },
  async run(given) {
    const output = new Output(given.text('output') ?? '-');
    const path = given.rest[0] ?? '-';
    const bytes = readChangeset(path, 'cannot be inverted');
    if (new Changeset(bytes).isPatchset) {
      const message = `${nameOf(path)} is a patchset and has no old values, so it cannot be inverted`;
      throw new CommandError(message, exitCodes.malformed);
    }
    await output.write(ofInput(() => inverted(bytes)));
  },
};

function inverted(bytes: Uint8Array): Uint8Array {
  using progress = new Progress('inverting', bytes.length);
  const parts: Uint8Array[] = [];
  const watched = pieces(bytes, (done) => progress.at(done));
  Changeset.invertTo(watched, (piece) => parts.push(piece));
  return Buffer.concat(parts);
}

export const concat: Action = {
  operands: 'IN ...',
  options: {
    output: outputOption,
    schema: {
      value: 'FILE',
      help: 'a database whose columns complete changesets that were made before columns were added',
    },
  },
  async run(given) {
    const output = new Output(given.text('output') ?? '-');
    const schema = given.text('schema');
    const entries = given.rest.flatMap(readEntries);
    const captures = statementsOf(entries).length > 0;
    if (captures && schema !== undefined) {
      const message = '--schema cannot be used with captures, which contain the statements that add columns';
      throw new CommandError(message, exitCodes.usage);
    }
    using database = schema === undefined ? undefined : openDatabase(schema, { readOnly: true });
    await output.write(
      ofInput(() => (captures ? encodeCapture(condensed(entries)) : joined(changesetsOf(entries), database))),
    );
  },
};

export const rebase: Action = {
  operands: 'IN',
  options: {
    with: {
      value: 'FILE',
      multiple: true,
      required: true,
      help: 'a rebase buffer; may be repeated, in order',
    },
    output: outputOption,
  },
  async run(given) {
    const output = new Output(given.text('output') ?? '-');
    const bytes = readChangeset(given.rest[0] ?? '-', 'cannot be rebased');
    const buffers = given.texts('with').map((path) => {
      const buffer = readInput(path);
      using rebaser = new Rebaser();
      ofInput(() => rebaser.configure(buffer), `${nameOf(path)}: `);
      return buffer;
    });
    await output.write(ofInput(() => new Changeset(bytes).rebase(...buffers).bytes));
  },
};

export const build: Action = {
  operands: 'IN',
  options: { output: outputOption },
  async run(given) {
    const output = new Output(given.text('output') ?? '-');
    const path = given.rest[0] ?? '-';
    const text = new TextDecoder().decode(readInput(path));
    let document: unknown;
    try {
      document = JSON.parse(text);
    } catch (error) {
      throw new CommandError(`${nameOf(path)} is not JSON: ${(error as Error).message}`, exitCodes.malformed);
    }
    await output.write(ofInput(() => built(document)));
  },
};

/** Encodes a document in the format of `show --json`. @throws ChangesetError if the document is invalid */
function built(document: unknown): Uint8Array {
  const { format, entries } = (document ?? {}) as { format?: unknown; entries?: unknown };
  if (entries === undefined) return fromJson(document);
  if (format !== 1) throw new ChangesetError('format must be 1');
  if (!Array.isArray(entries)) throw new ChangesetError('entries must be an array');
  return encodeCapture(
    entries.map((entry: unknown, index): CaptureEntry => {
      const { sql, settings } = (entry ?? {}) as { sql?: unknown; settings?: unknown };
      if (typeof sql === 'string') {
        const read =
          settings === undefined ? {} : { settings: settingsOf(settings, `entries[${index}].settings`) };
        return { kind: 'ddl', sql, ...read };
      }
      try {
        return { kind: 'changeset', bytes: fromJson(entry) };
      } catch (error) {
        if (!(error instanceof ChangesetError)) throw error;
        throw new ChangesetError(`entries[${index}]: ${error.message}`);
      }
    }),
  );
}

/** Reads the settings of a statement. @param where the path in the document, for errors */
function settingsOf(json: unknown, where: string): StatementSettings {
  const { legacyAlterTable, foreignKeys, doubleQuotedText, rows } = (json ??
    {}) as Partial<StatementSettings>;
  for (const [name, value] of Object.entries({ legacyAlterTable, foreignKeys, doubleQuotedText })) {
    if (typeof value !== 'boolean') throw new ChangesetError(`${where}.${name} must be true or false`);
  }
  if (rows !== undefined && (!Number.isSafeInteger(rows) || rows < 0)) {
    throw new ChangesetError(`${where}.rows must be a number of rows`);
  }
  return {
    legacyAlterTable: legacyAlterTable === true,
    foreignKeys: foreignKeys === true,
    doubleQuotedText: doubleQuotedText === true,
    ...(rows !== undefined && { rows }),
  };
}
