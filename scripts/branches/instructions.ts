/** Finds the functions and branches of a core module. Source: WebAssembly, Binary Format, Instructions. */

import { createHash } from 'node:crypto';
import { ModuleReader, malformed, sectionsOf } from '../../host/loader/module-bytes.js';

/** A function that the module defines. Offsets are in the module. */
export interface WasmFunction {
  /** The start of its declarations of locals. Hints are offsets from here. */
  readonly start: number;
  readonly end: number;
  /** The offsets of its conditional branches (`if` and `br_if`). */
  readonly branches: readonly number[];
  /** A hash of its instructions without their operands, which change if anything else is linked. */
  readonly shape: string;
}

export interface Code {
  /** The offset of the code section. */
  readonly at: number;
  readonly functions: readonly WasmFunction[];
}

export const sections = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  memory: 5,
  export: 7,
  code: 10,
} as const;

const blockOf = new Set([0x02, 0x03, 0x04]);
const ifOpcode = 0x04;
const brIf = 0x0d;
/** Instructions with one number: branches, calls, variables, tables, sizes of memory, constants, references. */
const oneNumber = new Set([
  0x0c, 0x0d, 0x10, 0x12, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2,
]);
const indirectCalls = new Set([0x11, 0x13]);
/** Instructions without operands, apart from the arithmetic from 0x45 to 0xc4. */
const bare = new Set([0x00, 0x01, 0x05, 0x0b, 0x0f, 0x1a, 0x1b, 0xd1]);

/** @throws Error if the module has no code, or an instruction that is unknown here */
export function codeOf(module: Uint8Array): Code {
  for (const { at, id, reader } of sectionsOf(module)) {
    if (id !== sections.code) continue;
    const functions = Array.from({ length: reader.unsigned() }, () => readFunction(module, reader));
    return { at, functions };
  }
  throw malformed('it has no code');
}

function readFunction(module: Uint8Array, reader: ModuleReader): WasmFunction {
  const size = reader.unsigned();
  const start = reader.at;
  const end = start + size;
  for (let groups = reader.unsigned(); groups > 0; groups--) {
    reader.unsigned();
    reader.byte();
  }
  const branches: number[] = [];
  const shape = createHash('sha256');
  const instructions = new ModuleReader(module.subarray(0, end), reader.at);
  while (instructions.at < end) {
    const at = instructions.at;
    const opcode = instructions.byte();
    if (opcode === ifOpcode || opcode === brIf) branches.push(at);
    shape.update(Uint8Array.of(opcode, skipOperands(instructions, opcode)));
  }
  reader.at = end;
  return { start, end, branches, shape: shape.digest('hex').slice(0, 16) };
}

/** Skips the operands of an instruction. Returns the second byte of an opcode of two, or 0. */
function skipOperands(reader: ModuleReader, opcode: number): number {
  if (opcode === 0xfc) return skipNumeric(reader);
  if (opcode === 0xfd) return skipVector(reader);
  if (opcode === 0xfe) return skipAtomic(reader);
  if (blockOf.has(opcode) || oneNumber.has(opcode)) reader.unsigned(70);
  else if (opcode === 0x0e) skipNumbers(reader, reader.unsigned() + 1);
  else if (indirectCalls.has(opcode)) skipNumbers(reader, 2);
  else if (opcode === 0x1c) skipNumbers(reader, reader.unsigned());
  else if (opcode === 0x43) reader.at += 4;
  else if (opcode === 0x44) reader.at += 8;
  else if (opcode >= 0x28 && opcode <= 0x3e) skipAddress(reader);
  else if (!bare.has(opcode) && (opcode < 0x45 || opcode > 0xc4)) {
    throw malformed(`instruction 0x${opcode.toString(16)} at ${reader.at - 1} is unknown`);
  }
  return 0;
}

/** Conversions, and instructions for whole memories and tables. */
function skipNumeric(reader: ModuleReader): number {
  const second = reader.unsigned();
  const isPair = second === 8 || second === 10 || second === 12 || second === 14;
  if (second >= 8) skipNumbers(reader, isPair ? 2 : 1);
  return second;
}

function skipVector(reader: ModuleReader): number {
  const second = reader.unsigned();
  const isLane = second >= 84 && second <= 91;
  if (second <= 11 || second === 92 || second === 93 || isLane) skipAddress(reader);
  if (second === 12 || second === 13) reader.at += 16;
  if ((second >= 21 && second <= 34) || isLane) reader.byte();
  return second & 0xff;
}

function skipAtomic(reader: ModuleReader): number {
  const second = reader.unsigned();
  const isFence = second === 3;
  if (isFence) reader.byte();
  else skipAddress(reader);
  return second;
}

/** An alignment, whose bit 6 says that the number of a memory follows, and an offset. */
function skipAddress(reader: ModuleReader): void {
  if (reader.unsigned() & 0x40) reader.unsigned();
  reader.unsigned(70);
}

function skipNumbers(reader: ModuleReader, count: number): void {
  for (let i = 0; i < count; i++) reader.unsigned();
}
