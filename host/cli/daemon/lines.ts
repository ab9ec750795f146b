/** Parses requests in the line protocol. */

import { isUtf8 } from 'node:buffer';
import { scan, statementEnd } from '../statement.js';

/** A request. Exactly one of the three members is present. */
export interface LineRequest {
  readonly sql?: string;
  readonly command?: string;
  /** Why the input is not a request. */
  readonly error?: string;
}

const command = /^\s*(?:\.(\w+)|(quit|status|help)\b)[ \t]*;?[^\n]*\n/;

/**
 * Handles the complete requests at the front of the input. The end of a statement is found in the bytes, because it is
 * ASCII. Only complete statements are decoded as UTF-8.
 *
 * @returns the remaining bytes, which are not a complete request
 */
export function takeLines(received: Buffer, take: (request: LineRequest) => void): Buffer {
  // Decode each byte as one character. Byte 0xA0 must not count as a space, because it is part of a UTF-8 character.
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
    // If the input is not UTF-8, the end of the statement is unknown, so the whole line is dropped.
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

/** Returns the offset of the first byte that is not UTF-8, or -1. An incomplete last character is not an error. */
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

/** Whether the bytes can be the beginning of a character. */
function isBegun(bytes: Buffer): boolean {
  return bytes.subarray(1).every((byte) => byte >= 0x80 && byte < 0xc0);
}

function sequenceLength(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte < 0xc2 || byte > 0xf4) return 0;
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}
