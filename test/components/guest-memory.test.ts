/** Copies between memories and checks of text, at all lengths at which the code differs. */

import { isUtf8 } from 'node:buffer';
import { expect, test } from 'vitest';
import { copyBetween, Guest, Views } from '../kit/internals.js';

const memory = (): WebAssembly.Memory => new WebAssembly.Memory({ initial: 1 });
const lengths = [...Array(90).keys(), 254, 255, 256, 257, 300];

test.each([0, 1, 2, 3])('a copy from offset %i has these bytes and no others', (offset) => {
  const source = new Views(memory());
  for (let i = 0; i < 1000; i++) source.bytes[i] = (i * 7) % 251;
  for (const length of lengths) {
    const target = new Views(memory());
    target.bytes.fill(0xee, 0, 1000);
    copyBetween(source, offset, length, target, 16 + offset);
    const expected = new Uint8Array(1000).fill(0xee);
    expected.set(source.bytes.subarray(offset, offset + length), 16 + offset);
    expect(Buffer.compare(target.bytes.subarray(0, 1000), expected), `${length} bytes`).toBe(0);
  }
});

test('a copy to and from the end of a memory, and after it has grown', () => {
  const [grown, full] = [memory(), memory()];
  const [source, target] = [new Views(grown), new Views(full)];
  source.bytes.fill(7);
  grown.grow(1);
  for (const length of lengths) {
    target.bytes.fill(0);
    copyBetween(source, 65_536 - length, length, target, 65_536 - length);
    expect(target.bytes.indexOf(7), `${length} bytes`).toBe(length === 0 ? -1 : 65_536 - length);
  }
});

test('invalid UTF-8 is refused everywhere', () => {
  const guest = new Guest({ memory: memory(), realloc: () => 0 });
  const accepts = (start: number, length: number): boolean => {
    try {
      guest.checkUtf8(start, length);
      return true;
    } catch (error) {
      expect(error).toEqual(new TypeError('the component passed text that is not UTF-8'));
      return false;
    }
  };
  for (const length of lengths) {
    guest.bytes.fill(0x61, 0, 1000);
    guest.bytes[4 + length] = 0xff; // beside the text
    guest.bytes[2] = 0xff;
    expect(accepts(3, length)).toBe(true);
    for (let at = 0; at < length; at++) {
      for (const bytes of [[0x80], [0xc3, 0xa4], [0xff], [0xf0, 0x9f, 0x98, 0x80]]) {
        guest.bytes.fill(0x61, 3, 3 + length);
        guest.bytes.set(bytes.slice(0, length - at), 3 + at);
        expect(accepts(3, length)).toBe(isUtf8(guest.bytes.slice(3, 3 + length)));
      }
    }
  }
  expect(() => guest.checkUtf8(65_530, 7)).toThrow(RangeError);
});
