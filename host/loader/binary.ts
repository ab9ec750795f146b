/**
 * Reads the imports and exports of a component without compiling the component.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */

/** The kind of a file, according to its first eight bytes. */
export type Kind = 'component' | 'core module' | 'neither';

export function kindOf(bytes: Uint8Array): Kind {
  if (bytes.length < 8 || bytes[0] !== 0x00 || String.fromCharCode(...bytes.subarray(1, 4)) !== 'asm')
    return 'neither';
  const layer = (bytes[6] ?? 0) | ((bytes[7] ?? 0) << 8);
  return layer === 1 ? 'component' : layer === 0 ? 'core module' : 'neither';
}

/** The first bytes of files that are mistaken for components, and what such a file is. */
const beginnings: readonly (readonly [start: string, what: string])[] = [
  ['SQLite format 3\0', 'an SQLite database'],
  ['\x7fELF', 'a native library'],
  ['MZ', 'a native library'],
  ['\xcf\xfa\xed\xfe', 'a native library'],
  ['\xca\xfe\xba\xbe', 'a native library'],
  ['(component', 'WebAssembly as text: convert it with wasm-tools parse'],
  ['(module', 'WebAssembly as text: convert it with wasm-tools parse'],
];

/** The error for a file that {@link kindOf} does not know. */
export function notWebAssembly(path: string, bytes: Uint8Array): Error {
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  const known = beginnings.find(([text]) => start.startsWith(text))?.[1];
  const what = bytes.length === 0 ? 'empty' : (known ?? 'not WebAssembly');
  return new Error(`${path} is ${what}; an extension is a component in WebAssembly`);
}

export interface Interfaces {
  /** The full names of the imports, such as `sqlite:extension/session@1.0.0`. */
  readonly imports: readonly string[];
  readonly exports: readonly string[];
  /** Whether the component contains other components with code. Only jco can make calls between them. */
  readonly composed: boolean;
}

const moduleSection = 1;
const componentSection = 4;

const importSection = 10;
const exportSection = 11;

/** Reads the names that a component imports and exports. @throws Error if the component is malformed */
export function interfacesOf(component: Uint8Array): Interfaces {
  const imports: string[] = [];
  const exports: string[] = [];
  let composed = false;
  let at = 8;

  const byte = (): number => {
    const value = component[at++];
    if (value === undefined) throw new Error('the component is truncated');
    return value;
  };
  const unsigned = (): number => {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const part = byte();
      value += (part & 0x7f) * factor;
      if (part < 0x80) return value;
    }
    throw new Error('the component is malformed: a number is too long');
  };
  const text = (): string => {
    const length = unsigned();
    if (length > component.length - at) throw new Error('the component is truncated');
    at += length;
    return new TextDecoder('utf-8', { fatal: true }).decode(component.subarray(at - length, at));
  };
  const malformed = (what: string): Error =>
    new Error(`the component is malformed: ${what} at byte ${at - 1}`);
  const name = (): string => {
    const form = byte();
    if (form > 2) throw malformed('an unknown form of name');
    return form === 2 ? text() + text() : text(); // form 2: a version suffix follows
  };
  /** Skips the type of an import or export. The type of a value is an index, or one byte for a primitive type. */
  const type = (): void => {
    const sort = byte();
    if (sort > 5) throw malformed('an unknown kind of import or export');
    if (sort === 0) byte();
    const bound = sort === 2 || sort === 3 ? byte() : undefined;
    const isResource = sort === 3 && bound === 1;
    if (!isResource) unsigned();
  };

  /** Whether the component at `start`, or a component inside it, contains a module. */
  const hasCode = (start: number, end: number): boolean => {
    let found = false;
    for (at = start + 8; at < end; ) {
      const section = byte();
      const next = unsigned() + at;
      if (next > end) throw new Error('the component is truncated');
      found ||= section === moduleSection || (section === componentSection && hasCode(at, next));
      at = next;
    }
    return found;
  };

  if (kindOf(component) !== 'component') throw new Error('not a component');
  while (at < component.length) {
    const section = byte();
    const size = unsigned();
    const end = at + size;
    if (end > component.length) throw new Error('the component is truncated');
    if (section === importSection) {
      for (let count = unsigned(); count > 0; count--) {
        imports.push(name());
        type();
      }
    } else if (section === exportSection) {
      for (let count = unsigned(); count > 0; count--) {
        exports.push(name());
        if (byte() === 0) byte(); // the kind of the export, followed by its index
        unsigned();
        if (byte() === 1) type();
      }
    } else {
      if (section === componentSection) composed ||= hasCode(at, end);
      at = end;
    }
    if (at !== end) throw malformed('a section whose length is wrong');
  }
  return { imports, exports, composed };
}
