/** A module that counts how its branches go, in a memory of its own that it exports as `hits`. */

import { encodeUnsigned, sectionsOf } from '../../host/loader/module-bytes.js';
import { always, importedFunctions, never, unknown } from './hints.js';
import { codeOf, sections } from './instructions.js';

const i32 = 0x7f;
const page = 65_536;

/** A branch that goes one way less often than this is hinted. */
const rare = 0.05;
/** A branch that ran less often says nothing. */
const enough = 10_000;

export function countingModule(module: Uint8Array): Uint8Array {
  const { functions } = codeOf(module);
  const hit = importedFunctions(module) + functions.length;
  let types = 0;
  let branch = 0;
  const code = functions.map(({ start, end, branches }) => {
    const pieces: Uint8Array[] = [];
    let copied = start;
    for (const at of branches) {
      // The condition is on the stack: hit(condition, branch) counts and returns it.
      const call = [0x41, ...encodeSigned(branch++), 0x10, ...encodeUnsigned(hit)];
      pieces.push(module.subarray(copied, at), Uint8Array.from(call));
      copied = at;
    }
    return sized(Buffer.concat([...pieces, module.subarray(copied, end)]));
  });
  const total = branch;
  const rewritten = [...sectionsOf(module)].map(({ at, id, reader, end }) => {
    const listed = (added: number[]): Uint8Array => {
      const count = reader.unsigned();
      if (id === sections.type) types = count;
      const content = [Uint8Array.from(encodeUnsigned(count + 1)), module.subarray(reader.at, end)];
      return section(id, Buffer.concat([...content, Uint8Array.from(added)]));
    };
    switch (id) {
      case sections.type:
        return listed([0x60, 2, i32, i32, 1, i32]);
      case sections.function:
        return listed(encodeUnsigned(types));
      case sections.memory:
        return listed([0, ...encodeUnsigned(Math.ceil((total * 16) / page))]);
      case sections.export:
        return listed([4, ...new TextEncoder().encode('hits'), 2, 1]);
      case sections.code:
        return section(
          id,
          Buffer.concat([Uint8Array.from(encodeUnsigned(code.length + 1)), ...code, sized(hitBody())]),
        );
      default:
        return module.subarray(at, end);
    }
  });
  return Buffer.concat([module.subarray(0, 8), ...rewritten]);
}

/** (condition, branch) -> condition, which adds 1 to the 64-bit number at branch * 16 + (condition ? 8 : 0). */
function hitBody(): Uint8Array {
  const [get, tee, constant, shift, add, isZero] = [0x20, 0x22, 0x41, 0x74, 0x6a, 0x45];
  const address = [get, 1, constant, 4, shift, get, 0, isZero, isZero, constant, 3, shift, add];
  const ofMemory1 = [0x43, 1, 0]; // aligned to 8 bytes, memory 1, offset 0
  const count = [...address, tee, 2, get, 2, 0x29, ...ofMemory1, 0x42, 1, 0x7c, 0x37, ...ofMemory1];
  return Uint8Array.from([1, 1, i32, ...count, get, 0, 0x0b]);
}

/** The hints of the functions of a module, by shape, from the counts of a {@link countingModule}. */
export function hintsFrom(module: Uint8Array, hits: BigUint64Array): Map<string, string> {
  const counts = new Map<string, number[]>();
  let at = 0;
  for (const { branches, shape } of codeOf(module).functions) {
    const sums = counts.get(shape) ?? new Array<number>(branches.length * 2).fill(0);
    counts.set(
      shape,
      sums.map((sum, i) => sum + Number(hits[at + i] ?? 0n)),
    );
    at += branches.length * 2;
  }
  const hints = new Map<string, string>();
  for (const [shape, sums] of counts) {
    let text = '';
    for (let i = 0; i < sums.length; i += 2) text += hintOf(sums[i] ?? 0, sums[i + 1] ?? 0);
    if (text.includes(always) || text.includes(never)) hints.set(shape, text);
  }
  return hints;
}

function hintOf(notTaken: number, taken: number): string {
  const all = notTaken + taken;
  if (all < enough) return unknown;
  if (taken <= all * rare) return never;
  return notTaken <= all * rare ? always : unknown;
}

function section(id: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(id), sized(content)]);
}

function sized(content: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from(encodeUnsigned(content.length)), content]);
}

/** A signed LEB128 number that is not negative. */
function encodeSigned(value: number): number[] {
  const bytes = encodeUnsigned(value);
  const last = bytes.at(-1) ?? 0;
  return last & 0x40 ? [...bytes.slice(0, -1), last | 0x80, 0] : bytes;
}
