/** The form in which a transpiled component is kept in a file: its interfaces, its script and its core modules. */

import type { Interfaces } from './binary.js';

/**
 * The version of jco-transpile, a slash, and the version of the code that changes its script and of the packed form. It
 * is part of the name of every entry of the cache.
 */
export const transpilerVersion = '0.15.0/8';

/** What jco made of a component. `instantiate` looks up the imports by their full names. */
export interface Transpiled extends Interfaces {
  /** `glue.js`, the text of a function that returns `instantiate`, and `*.core.wasm`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** The first line of a packed file, as JSON. The contents of the files follow in this order. */
interface Header extends Omit<Transpiled, 'files'> {
  /** `position` is the offset of the file in the component, or -1 if the packed file contains it. */
  readonly files: readonly (readonly [name: string, length: number, position: number])[];
}

const newline = 0x0a;

/** Packs what was made of `component`. Core modules that `component` contains unchanged are not stored again. */
export function pack({ imports, exports, composed, files }: Transpiled, component: Uint8Array): Uint8Array {
  const whole = Buffer.from(component.buffer, component.byteOffset, component.length);
  const located = [...files].map(([name, content]) => ({ name, content, position: whole.indexOf(content) }));
  const header: Header = {
    imports,
    exports,
    composed,
    files: located.map(({ name, content, position }) => [name, content.length, position]),
  };
  const own = located.filter(({ position }) => position < 0).map(({ content }) => content);
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...own]);
}

/** Reads what {@link pack} made for the same component. The contents are views of `packed` and `component`. */
export function unpack(packed: Buffer, component: Uint8Array): Transpiled {
  let at = packed.indexOf(newline) + 1;
  const { imports, exports, composed, files } = JSON.parse(packed.toString('utf8', 0, at)) as Header;
  const contents = new Map<string, Uint8Array>();
  for (const [name, length, position] of files) {
    if (position >= 0) {
      contents.set(name, component.subarray(position, position + length));
    } else {
      contents.set(name, packed.subarray(at, at + length));
      at += length;
    }
  }
  return { imports, exports, composed, files: contents };
}
