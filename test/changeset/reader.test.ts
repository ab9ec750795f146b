/** Reading changesets: changes, values by place, and texts of all kinds, with and without Node's Buffer. */

import { execFileSync } from 'node:child_process';
import {
  type Change,
  ChangesetReader,
  changes,
  changesFrom,
  encode,
  invert,
  type Value,
  validate,
} from 'sqlite-wasm-run/changeset';
import { describe, expect, test } from 'vitest';
import { randomOf } from '../kit/random.js';

const wide = { table: 'wide', key: [1, 0, 0, 0, 0, 0], patchset: false };
const narrow = { table: 'narrow', key: [0, 1], patchset: false };
const row: readonly Value[] = [1n, -1.5, 'text', Uint8Array.of(1, 2), null, 'ü'.repeat(90)];
const indirect = false;
const changeset: readonly Change[] = [
  { ...wide, op: 'insert', indirect, old: [], new: row },
  { ...wide, op: 'update', indirect: true, old: row.with(1, 7), new: [undefined, ...row.slice(1)] },
  { ...wide, op: 'delete', indirect, old: row, new: [] },
  { ...narrow, op: 'insert', indirect, old: [], new: ['a', -(2n ** 63n)] },
  { ...narrow, op: 'delete', indirect, old: [2n ** 63n - 1n, 'k'], new: [] },
  { ...narrow, op: 'update', indirect, old: [null, 'k'], new: ['x', undefined] },
];
const patchset: readonly Change[] = changeset.map((change) => {
  const { key, op, old, new: fresh } = change;
  const onlyKey = (values: Change['old']): Change['old'] =>
    values.map((value, i) => (key[i] ? value : undefined));
  return {
    ...change,
    patchset: true,
    old: onlyKey(old),
    new: op === 'update' ? fresh.map((value, i) => (key[i] ? undefined : value)) : fresh,
  };
});

/** The changes that were read, and the error, if any. */
interface Outcome {
  read: Change[];
  error: string | undefined;
}

function outcome(next: () => Change | undefined): Outcome {
  const read: Change[] = [];
  try {
    for (let change = next(); change; change = next()) read.push(change);
    return { read, error: undefined };
  } catch (error) {
    return { read, error: (error as Error).message };
  }
}

function byPlace(bytes: Uint8Array): Outcome {
  const reader = new ChangesetReader(bytes);
  return outcome(() => (reader.next() ? reader.change() : undefined));
}

function whole(bytes: Uint8Array): Outcome {
  const all = changes(bytes);
  return outcome(() => all.next().value ?? undefined);
}

async function inPieces(bytes: Uint8Array, size: number): Promise<Outcome> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
  const read: Change[] = [];
  try {
    for await (const change of changesFrom(pieces)) read.push(change);
    return { read, error: undefined };
  } catch (error) {
    return { read, error: (error as Error).message };
  }
}

describe.each([
  ['changeset', changeset],
  ['patchset', patchset],
])('a %s', (_kind, written) => {
  const bytes = encode(written);

  test('is read as it was written, whole, by place and in pieces', async () => {
    const wanted = { read: written, error: undefined };
    expect(whole(bytes)).toEqual(wanted);
    expect(byPlace(bytes)).toEqual(wanted);
    for (const size of [1, 7, 100, 10_000]) expect(await inPieces(bytes, size)).toEqual(wanted);
  });

  test('if damaged or truncated, ends at the same change with the same message', async () => {
    const random = randomOf(3);
    const reasons = new Set<string | undefined>();
    for (let i = 0; i < 4000; i++) {
      const mutant = bytes.slice(0, random(4) === 0 ? random(bytes.length) : bytes.length);
      for (let n = random(3); n > 0; n--)
        mutant[random(mutant.length)] = random(3) === 0 ? random(256) : random(24);
      const { read, error } = byPlace(mutant);
      expect(whole(mutant)).toEqual({ read, error });
      if (i % 10 === 0) expect(await inPieces(mutant, 1 + random(40))).toEqual({ read, error });
      reasons.add(error?.replace(/\d+/g, 'N'));
    }
    expect(reasons).toContain(undefined);
    expect(reasons).toContain('the changeset is truncated at byte N');
    expect(reasons).toContain('unknown value type N at byte N');
    expect(reasons).toContain('unknown operation N at byte N');
  });
});

test('old values without new ones are skipped, unless they are requested', () => {
  const [, update] = changeset;
  if (!update) throw new Error('there is one');
  const bytes = encode([{ ...update, new: update.new.with(2, undefined) }]);
  expect(whole(bytes).read[0]?.old).toEqual(update.old.with(2, undefined));
  expect(byPlace(bytes)).toEqual(whole(bytes));
  const reader = new ChangesetReader(bytes, { asWritten: true });
  expect(reader.nextChange()?.old).toEqual(update.old);
  expect(new ChangesetReader(bytes, { asWritten: true }).next()).toBe(true);
});

test('values have places only after next(), and the places of an earlier, wider table are cleared', () => {
  const reader = new ChangesetReader(encode(changeset));
  reader.next();
  expect([reader.oldAt(5), reader.newAt(5) > 0, reader.newAt(6)]).toEqual([-1, true, -1]);
  reader.nextChange();
  expect([reader.oldAt(0), reader.newAt(0), reader.oldValue(0)]).toEqual([-1, -1, undefined]);
  reader.next();
  expect([reader.oldAt(5) > 0, reader.newAt(5)]).toEqual([true, -1]);
  reader.next();
  expect([reader.columns, reader.oldAt(5), reader.newAt(5), reader.newAt(1) > 0]).toEqual([2, -1, -1, true]);
  expect(reader.nextChange()).toEqual(changeset[4]);
  reader.next();
  expect([reader.oldAt(5), reader.newAt(5), reader.newValue(0)]).toEqual([-1, -1, 'x']);
  expect(reader.nextChange()).toBeUndefined();
  const ofPatchset = new ChangesetReader(encode(patchset));
  for (const change of patchset) {
    expect(ofPatchset.nextChange()).toEqual(change);
    expect([ofPatchset.oldAt(0), ofPatchset.newAt(0), ofPatchset.oldAt(1)]).toEqual([-1, -1, -1]);
  }
});

test.each([0n, 31n, 32n, 53n, 63n])('numberAt reads integers next to 2^%i', (bits) => {
  for (const value of [-1n, 0n, 1n].flatMap((by) => [(1n << bits) + by, -(1n << bits) + by])) {
    if (BigInt.asIntN(64, value) !== value) continue;
    const key = { ...narrow, key: [1], op: 'insert', indirect, old: [], new: [value] } as const;
    const reader = new ChangesetReader(encode([key]));
    expect(reader.next()).toBe(true);
    expect(reader.integerAt(reader.newAt(0))).toBe(value);
    expect(reader.numberAt(reader.newAt(0))).toBe(Number(value));
  }
});

test('the iterator ends like any other', () => {
  const bytes = encode(changeset);
  const first = changes(bytes);
  for (const { op } of first) {
    expect(op).toBe('insert');
    break;
  }
  expect(first.next()).toEqual({ done: true, value: undefined });
  const broken = changes(bytes.with(0, 0x12));
  expect(() => broken.next()).toThrow('expected T (a changeset) or P (a patchset) at byte 0');
  expect(broken.next()).toEqual({ done: true, value: undefined });
  const thrown = changes(bytes);
  expect(() => thrown.throw(new Error('mine'))).toThrow('mine');
  expect([...thrown]).toEqual([]);
  const helped = changes(bytes) as unknown as { drop?: (count: number) => Iterable<Change> };
  if (helped.drop) expect([...helped.drop(4)]).toEqual(changeset.slice(4));
});

test('arguments that are not bytes are refused by name', () => {
  for (const wrong of ['text', undefined, null, [84]] as never[]) {
    const refused = expect.objectContaining({
      code: 'ERR_INVALID_ARG_TYPE',
      message: 'The "bytes" argument must be a Uint8Array.',
    });
    expect(() => [...changes(wrong)]).toThrow(refused);
    expect(() => invert(wrong)).toThrow(refused);
    expect(() => validate(wrong)).toThrow(refused);
  }
});

/** Texts with lengths and characters at the limits of the decoder. */
function texts(): string[] {
  const all: string[] = ['\u0000', '\ufeffmark', 'z\u0000', '\ufffd'];
  for (const length of [0, 1, 2, 3, 4, 5, 12, 13, 15, 16, 17, 31, 63, 127, 128, 255, 256, 257, 400, 20_000]) {
    const ascii = 'abcdefghij~'.repeat(2000).slice(0, length);
    all.push(ascii);
    for (const at of [0, 1, length >> 1, length - 2, length - 1]) {
      if (at < 0 || at >= length) continue;
      for (const other of ['ü', '日', '🎉']) all.push(ascii.slice(0, at) + other + ascii.slice(at + 1));
    }
  }
  return all;
}

const one = { table: 't', key: [1, 0, 0], patchset: false };
const ofTexts = (all: readonly string[]): Uint8Array =>
  encode(
    all.map((text, i) => ({
      ...one,
      op: 'insert' as const,
      indirect: false,
      old: [],
      new: [BigInt(i) * -0x123456789n, text, i / 7],
    })),
  );

test('texts of every length are read, in ASCII and not', () => {
  const all = texts();
  const bytes = ofTexts([...all, ...all.toReversed()]);
  expect([...changes(bytes)].map((change) => change.new[1])).toEqual([...all, ...all.toReversed()]);
  const reader = new ChangesetReader(bytes);
  for (const text of all) {
    reader.next();
    expect(reader.textAt(reader.newAt(1))).toBe(text);
  }
});

test('the same is read without Node and its Buffer', () => {
  const bytes = ofTexts(texts());
  const program = `
    const input = new Uint8Array(require('node:fs').readFileSync(0));
    const log = console.log;
    const toHex = (text) => Buffer.from(text).toString('hex');
    const { Buffer } = globalThis;
    delete globalThis.Buffer;
    import('sqlite-wasm-run/changeset').then(({ changes }) => {
      log(toHex([...changes(input)].map((change) => change.new[1]).join('|')));
    });`;
  const read = execFileSync(process.execPath, ['-e', program], { input: bytes, encoding: 'utf8' });
  expect(Buffer.from(read.trim(), 'hex').toString()).toBe(texts().join('|'));
});
