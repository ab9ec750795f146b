/** Requests in lines, as bytes arrive. */

import { isUtf8 } from 'node:buffer';
import { scan, statementEnd } from '../statement.js';

/** Exactly one of the three is present. */
export interface LineRequest {
  readonly sql?: string;
  readonly command?: string;
  /** Why the input is not a request. */
  readonly error?: string;
}

const command = /^\s*(?:\.(\w+)|(quit|status|help)\b)[ \t]*;?[^\n]*\n/;

/**
 * Takes whole requests from the front. What ends a statement is ASCII, so it is found in the bytes; only then they are
 * read as UTF-8.
 *
 * @returns what is not a complete request yet
 */
export function takeLines(received: Buffer, take: (request: LineRequest) => void): Buffer {
  // A byte as a character each. What would be a space there is part of a character.
  let text = received.toString('latin1').replaceAll('\u00a0', '\u00a1');
  let rest = received;
  const drop = (length: number): Buffer => {
    const dropped = rest.subarray(0, length);
    text = text.slice(length);
    rest = rest.subarray(length);
    return dropped;
  };
  for (;;) {
    const said = command.exec(text);
    if (said) {
      drop(said[0].length);
      take({ command: said[1] ?? said[2] ?? '' });
      continue;
    }
    const end = statementEnd(text);
    if (end >= 0 && isUtf8(rest.subarray(0, end))) {
      take({ sql: drop(end).toString() });
      continue;
    }
    // If bytes are not text, nobody knows where their statement ends: their line is dropped.
    const wrong = firstWrongByte(rest);
    const line = wrong < 0 ? 0 : text.indexOf('\n', wrong) + 1;
    const isOver = line > 0 && (end < 0 || line < end) && scan(text.slice(0, line), () => {}) >= 0;
    if (isOver || end >= 0) {
      const byte = rest[wrong]?.toString(16).padStart(2, '0');
      drop(isOver ? line : end);
      take({ error: `the statement is not UTF-8: byte 0x${byte} at ${wrong}` });
      continue;
    }
    return text.trimStart() === '' ? Buffer.alloc(0) : rest;
  }
}

/** The offset of the first byte that is not UTF-8, or -1. A last character that is cut off is not an error. */
function firstWrongByte(bytes: Buffer): number {
  if (isUtf8(bytes)) return -1;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] ?? 0);
    const character = bytes.subarray(at, at + length);
    if (length === 0) return at;
    if (!isUtf8(character)) return character.length < length && isBegun(character) ? -1 : at;
    at += length;
  }
  return -1;
}

/** Whether more bytes can make a character of these. */
function isBegun(bytes: Buffer): boolean {
  return bytes.subarray(1).every((byte) => byte >= 0x80 && byte < 0xc0);
}

function sequenceLength(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte < 0xc2 || byte > 0xf4) return 0;
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}
