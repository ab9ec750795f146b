/** Subcommands that make changesets of changesets or documents: invert, concat, rebase, build. */

import { ChangesetError, fromJson } from '../../changeset/index.js';
import { Changeset, ChangesetGroup, SqliteError } from '../../index.js';
import { type Command, CommandError, exitCodes, type Option } from './command.js';
import { openDatabase, readChangeset, readInput, writeOutput } from './files.js';

export const outputOption: Option = {
  value: 'OUT',
  short: 'o',
  help: 'the file to write; standard output without it',
};

/** Runs `action`; what SQLite or the codec say of the input is malformed input. */
function ofInput<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof SqliteError || error instanceof ChangesetError)) throw error;
    throw new CommandError(error.message, exitCodes.malformed);
  }
}

export const invert: Command = {
  name: 'invert',
  summary: 'Writes the changeset that undoes another.',
  operands: 'IN',
  count: [1, 1],
  options: { output: outputOption },
  run(given) {
    const bytes = readChangeset(given.rest[0] ?? '-');
    writeOutput(
      given.text('output') ?? '-',
      ofInput(() => new Changeset(bytes).invert().bytes),
    );
    return exitCodes.done;
  },
};

export const concat: Command = {
  name: 'concat',
  summary: 'Writes one changeset that does what several do one after another.',
  operands: 'IN ...',
  count: [1, Number.POSITIVE_INFINITY],
  options: {
    output: outputOption,
    schema: {
      value: 'FILE',
      help: 'a database by which changesets older than its newest columns are filled up',
    },
  },
  run(given) {
    const all = given.rest.map(readChangeset);
    const schema = given.text('schema');
    using database = schema === undefined ? undefined : openDatabase(schema, { readOnly: true });
    const joined = ofInput(() => {
      using group = new ChangesetGroup();
      if (database) group.schema(database);
      for (const bytes of all) group.add(bytes);
      return group.output().bytes;
    });
    writeOutput(given.text('output') ?? '-', joined);
    return exitCodes.done;
  },
};

export const rebase: Command = {
  name: 'rebase',
  summary:
    'Makes local changes fit what was applied before them: FILE is what `apply --rebase-out` wrote then.',
  operands: 'IN',
  count: [1, 1],
  options: {
    with: { value: 'FILE', multiple: true, required: true, help: 'a rebase buffer; several in their order' },
    output: outputOption,
  },
  run(given) {
    const bytes = readChangeset(given.rest[0] ?? '-');
    const buffers = given.texts('with').map(readInput);
    writeOutput(
      given.text('output') ?? '-',
      ofInput(() => new Changeset(bytes).rebase(...buffers).bytes),
    );
    return exitCodes.done;
  },
};

export const build: Command = {
  name: 'build',
  summary: 'Writes the changeset that a JSON document describes, as `show --json` prints it.',
  operands: 'IN',
  count: [1, 1],
  options: { output: outputOption },
  run(given) {
    const path = given.rest[0] ?? '-';
    let document: unknown;
    try {
      document = JSON.parse(new TextDecoder().decode(readInput(path)));
    } catch (error) {
      if (error instanceof CommandError) throw error;
      throw new CommandError(`${path} is no JSON: ${(error as Error).message}`, exitCodes.malformed);
    }
    writeOutput(
      given.text('output') ?? '-',
      ofInput(() => fromJson(document)),
    );
    return exitCodes.done;
  },
};
