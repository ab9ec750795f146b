/** Reads the bytes of core modules, and writes numbers as they are there. Source: WebAssembly, Binary Format. */

export class ModuleReader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const value = this.#bytes[this.at];
    if (value === undefined) throw malformed('it is truncated');
    this.at += 1;
    return value;
  }

  /** Reads an unsigned LEB128 number of at most `bits` bits. Above 2^53 it is inexact, but above every limit. */
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

export function malformed(why: string): Error {
  return new Error(`a core module of the component is malformed: ${why}`);
}

/** An unsigned LEB128 number. */
export function encodeUnsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

/** Yields the sections of a module. @throws Error if the module is malformed */
export function* sectionsOf(
  module: Uint8Array,
): Generator<{ at: number; id: number; reader: ModuleReader; end: number }> {
  for (let at = 8; at < module.length; ) {
    const reader = new ModuleReader(module, at);
    const id = reader.byte();
    const size = reader.unsigned();
    const end = reader.at + size;
    if (end > module.length) throw malformed('it is truncated');
    yield { at, id, reader, end };
    at = end;
  }
}
