/**
 * The pipe between Tcl and the bridge. A line has tokens, each a letter for its type and the value, so that blobs,
 * doubles and text are transferred exactly. `q OP ARGUMENTS` is a request, `r VALUE` a reply, `e TEXT CODE MESSAGE` an
 * error, and `c WHAT ID ARGUMENTS` a callback. Tcl replies to a callback with `r`, or with `x MESSAGE` if the script
 * fails.
 */

import { readSync, writeSync } from 'node:fs';

export type Wire = null | bigint | number | string | Uint8Array | readonly Wire[];

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

export function encode(value: Wire): string {
  if (value === null) return 'n';
  if (typeof value === 'bigint') return `i${value}`;
  if (typeof value === 'string') return `t${Buffer.from(value, 'utf8').toString('base64')}`;
  if (typeof value === 'number') return `d${base64(new Uint8Array(new Float64Array([value]).buffer))}`;
  if (value instanceof Uint8Array) return `b${base64(value)}`;
  return `l${Buffer.from(value.map(encode).join(' '), 'latin1').toString('base64')}`;
}

export function decode(token: string): Wire {
  const rest = token.slice(1);
  if (token.startsWith('n')) return null;
  if (token.startsWith('i')) return BigInt(rest);
  const bytes = Buffer.from(rest, 'base64');
  if (token.startsWith('t')) return bytes.toString('utf8');
  if (token.startsWith('d')) return bytes.readDoubleLE(0);
  if (token.startsWith('b')) return new Uint8Array(bytes);
  if (token.startsWith('l')) return tokens(bytes.toString('latin1')).map(decode);
  throw new Error(`invalid token: ${token}`);
}

export function tokens(line: string): string[] {
  return line.split(' ').filter((token) => token !== '');
}

/** Reads the arguments of a request one after another. */
export class Arguments {
  readonly #values: readonly Wire[];
  #at = 0;

  constructor(values: readonly Wire[]) {
    this.#values = values;
  }

  value(): Wire {
    const value = this.#values[this.#at++];
    if (value === undefined) throw new Error('an argument is missing');
    return value;
  }

  integer(): number {
    return Number(this.value());
  }

  flag(): boolean {
    return this.integer() !== 0;
  }

  text(): string {
    return String(this.value());
  }

  bytes(): Uint8Array {
    const value = this.value();
    if (value instanceof Uint8Array) return value;
    throw new Error('an argument is not a blob');
  }

  list(): readonly Wire[] {
    const value = this.value();
    if (Array.isArray(value)) return value;
    throw new Error('an argument is not a list');
  }
}

/** Reads and writes lines synchronously, because a callback must wait for its reply. */
export class Pipe {
  #pending = Buffer.alloc(0);
  readonly #chunk = Buffer.allocUnsafe(1 << 20);

  /** Returns the next line; undefined if Tcl has ended. */
  read(): string | undefined {
    for (;;) {
      const end = this.#pending.indexOf(10);
      if (end >= 0) {
        const line = this.#pending.toString('latin1', 0, end);
        this.#pending = this.#pending.subarray(end + 1);
        return line;
      }
      const count = retried(() => readSync(0, this.#chunk));
      if (count === 0) return undefined;
      this.#pending = Buffer.concat([this.#pending, this.#chunk.subarray(0, count)]);
    }
  }

  write(line: string): void {
    const bytes = Buffer.from(`${line}\n`, 'latin1');
    for (let at = 0; at < bytes.length; ) at += retried(() => writeSync(1, bytes, at));
  }
}

function retried(action: () => number): number {
  for (;;) {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
  }
}
