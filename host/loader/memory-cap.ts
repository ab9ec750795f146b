/** Limits the memory of a core module: the section that declares it gets a maximum, before it is compiled. */

/** Bytes of a page of wasm memory. */
const page = 65_536;
const memorySection = 5;

/** Limits: a maximum is given; several threads share it; sizes have 64 bits. */
const hasMaximum = 1;
const known = 7;

class Reader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const value = this.#bytes[this.at];
    if (value === undefined) throw malformed('it is cut short');
    this.at += 1;
    return value;
  }

  /** An unsigned LEB128 number of at most `bits` bits. Above 2^53 it is not exact, which is large enough. */
  unsigned(bits = 32): number {
    let value = 0;
    for (let shift = 0; shift < bits; shift += 7) {
      const part = this.byte();
      value += (part & 0x7f) * 2 ** shift;
      if (part < 0x80) return value;
    }
    throw malformed(`a number is longer than ${bits} bits`);
  }
}

function malformed(why: string): Error {
  return new Error(`a core module of the component is malformed: ${why}`);
}

function encode(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

/**
 * The module with no memory of its own larger than `most` bytes; the same bytes where that is so already.
 *
 * @throws Error where it wants more than that from the start, or is malformed
 */
export function capMemory(module: Uint8Array, most: number): Uint8Array {
  const pages = Math.floor(most / page);
  const pieces: Uint8Array[] = [];
  let copied = 0;
  for (let at = 8; at < module.length; ) {
    const reader = new Reader(module, at);
    const id = reader.byte();
    const size = reader.unsigned();
    const end = reader.at + size;
    if (end > module.length) throw malformed('it is cut short');
    if (id === memorySection) {
      const limits = cappedLimits(reader, pages);
      if (reader.at !== end) throw malformed('its memory section has another length than it says');
      pieces.push(module.subarray(copied, at), Uint8Array.of(id, ...encode(limits.length), ...limits));
      copied = end;
    }
    at = end;
  }
  if (copied === 0) return module;
  return Buffer.concat([...pieces, module.subarray(copied)]);
}

/** Reads the section's vector of limits and writes it anew. */
function cappedLimits(reader: Reader, pages: number): number[] {
  const count = reader.unsigned();
  const limits = encode(count);
  for (let i = 0; i < count; i++) {
    const flags = reader.byte();
    if ((flags & ~known) !== 0) throw malformed(`it has a memory of an unknown kind (${flags})`);
    const bits = flags & 4 ? 64 : 32;
    const minimum = reader.unsigned(bits);
    const maximum = flags & hasMaximum ? reader.unsigned(bits) : pages;
    if (minimum > pages) {
      throw new Error(
        `it wants at least ${minimum * page} bytes of memory and may have ${pages * page}: ` +
          'allow more with --max-memory SIZE, or grants.memory in code',
      );
    }
    limits.push(flags | hasMaximum, ...encode(minimum), ...encode(Math.min(maximum, pages)));
  }
  return limits;
}
