const pairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

type Slice = (this: Uint8Array, start: number, end: number) => string;

/** A method of Node's Buffer, used if it exists. */
const hexSlice = (globalThis as { Buffer?: { prototype?: { hexSlice?: Slice } } }).Buffer?.prototype
  ?.hexSlice;

export function toHex(bytes: Uint8Array): string {
  if (hexSlice) return hexSlice.call(bytes, 0, bytes.length);
  let text = '';
  for (const byte of bytes) text += pairs[byte];
  return text;
}

/** Converts hex digits to bytes; undefined if the text is invalid. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = digit(text.charCodeAt(2 * i));
    const low = digit(text.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return undefined;
    bytes[i] = high * 16 + low;
  }
  return bytes;
}

/** The value of a hex digit; -1 if the character is not a hex digit. */
function digit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
