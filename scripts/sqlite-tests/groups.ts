/** Changeset groups for Tcl. Tcl builds changes step by step, but the API takes complete changes. */

import {
  type Change,
  ChangesetGroup,
  type DatabaseSync,
  type Operation,
  type SqlValue,
} from 'sqlite-wasm-run';
import { type Change as CodecChange, Group as CodecGroup } from 'sqlite-wasm-run/changeset';
import { refusal } from './refusals.js';

type Values = (SqlValue | undefined)[];

/** A change that is being built. */
interface Draft {
  readonly table: string;
  readonly op: Operation;
  readonly indirect: boolean;
  readonly old: Values;
  readonly new: Values;
}

const operations = new Map<number, Operation>([
  [18, 'insert'],
  [23, 'update'],
  [9, 'delete'],
]);

/** Errors for a change that is not complete yet, which C reports only at the end of the change. */
const saidAtEnd = /^build a change of .*?: (invalid change|undefined value)/s;

export class GroupForTcl implements Disposable {
  readonly #group = new ChangesetGroup();
  /** The operations on the group, which can be repeated on another group. */
  readonly #steps: ((group: ChangesetGroup) => void)[] = [];
  /** The same group in the codec, as long as the codec supports the operations. */
  #codec: CodecGroup | undefined;
  #draft: Draft | undefined;
  #patchset = false;

  constructor(byCodec: boolean) {
    if (byCodec) this.#codec = new CodecGroup();
  }

  schema(database: DatabaseSync, name: string): void {
    this.#codec = undefined; // the codec has no databases
    this.#do((group) => group.schema(database, name));
  }

  add(changeset: Uint8Array): void {
    this.#codec?.add(changeset);
    this.#do((group) => group.add(changeset));
  }

  /** @param change the current change of an iterator, if any */
  addChange(change: Change | undefined, byCodec: CodecChange | undefined): void {
    if (this.#codec && byCodec) this.#codec.addChange(byCodec);
    else this.#do((group) => group.addChange(change as Change));
  }

  /** Begins a change. Refuses it if the API would refuse it with any values. */
  begin(op: number, table: string, indirect: boolean): void {
    this.#codec = undefined;
    if (this.#draft) throw refusal('SQLITE_MISUSE');
    const draft = { table, op: operations.get(op) ?? (String(op) as Operation), indirect, old: [], new: [] };
    this.#try(draft);
    this.#draft = draft;
  }

  value(row: 'old' | 'new', column: number, value: SqlValue): void {
    const draft = this.#draft;
    if (!draft) throw refusal('SQLITE_MISUSE');
    if (column < 0) throw refusal('SQLITE_RANGE');
    const values = [...draft[row]];
    while (values.length < column) values.push(undefined);
    values[column] = value;
    const next = { ...draft, [row]: values };
    this.#try(next);
    this.#draft = next;
  }

  finish(discard: boolean): void {
    const draft = this.#draft;
    this.#draft = undefined;
    if (draft && !discard) this.#do((group) => group.addChange(draft));
  }

  /** @returns whether the group builds a patchset; `on` below 0 changes nothing */
  patchset(on: number): boolean {
    if (on > 0) {
      this.#do((group) => group.patchset());
      this.#patchset = true;
    }
    return this.#patchset;
  }

  output(): Uint8Array {
    return this.#codec ? this.#codec.output() : this.#group.output().bytes;
  }

  [Symbol.dispose](): void {
    this.#group.close();
  }

  #do(step: (group: ChangesetGroup) => void): void {
    step(this.#group);
    this.#steps.push(step);
  }

  /** Adds an unfinished change to a group in the same state as this one. */
  #try(draft: Draft): void {
    using group = new ChangesetGroup();
    for (const step of this.#steps) step(group);
    try {
      group.addChange(draft);
    } catch (error) {
      if (!(error instanceof Error && saidAtEnd.test(error.message))) throw error;
    }
  }
}
