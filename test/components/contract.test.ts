/** The contract: the data read from the WIT, and the parts of a release that may change. */

import { expect, test } from 'vitest';
import { contract } from '../../host/interfaces/contract.js';
import { witDigest, witText, worldsOf } from '../../scripts/wit.js';

const file = (text: string): Map<string, string> => new Map([['a.wit', text]]);
const text =
  'package a:b@1.0.0;\n\n/// What it is.\ninterface c {\n  d: func(e: u32) -> list<u8>; // why\n}\n';

test('the digest of a release covers everything except comments and white space', () => {
  const digest = witDigest(file(text));
  for (const mended of [
    text.replace('What it is', 'What it is for'),
    text.replace(' // why', ''),
    text.replace('  d', ' /* two\n lines */ d').replaceAll('\n\n', '\n'),
  ]) {
    expect(witDigest(file(mended))).toBe(digest);
  }
  for (const changed of [
    text.replace('1.0.0', '1.0.1'),
    text.replace('d: func', 'dd: func'),
    text.replace('u32', 'u64'),
    text.replace('list<u8>', 'list<u8>, string'),
    text.replace('e: u32', 'e: u32, f: u32'),
    text.replace('  d', '  // d'),
    text.replace('\n}', '\n  type g = u8;\n}'),
    text.replace('d: func', 'd : func').replace('interface c', 'interface-c'),
  ]) {
    expect(witDigest(file(changed))).not.toBe(digest);
  }
  expect(witDigest(new Map([['b.wit', text]]))).not.toBe(digest);
  expect(witDigest(new Map([...file(text), ['b.wit', text]]))).not.toBe(digest);
});

test('worlds contain what they include', () => {
  const worlds = worldsOf(`${text} world base { import c; export metadata; /* export no; */ }
    world more { include base; export one; export two-three; }`);
  expect([...worlds]).toEqual([
    ['base', { imports: ['c'], exports: [] }],
    ['more', { imports: ['c'], exports: ['one', 'two-three'] }],
  ]);
  expect(() => worldsOf('world a { include b; }')).toThrow('world a includes b, which is not above it');
});

test('every world of the WIT is known', () => {
  const named = [...witText().matchAll(/^world ([\w-]+)/gm)].map(([, name]) => name);
  expect([...Object.keys(contract.worlds), 'services'].sort()).toEqual(named.sort());
});
