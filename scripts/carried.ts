/**
 * Third-party sources that guests include. They are downloaded at build time; extensions/NAME/LICENSES.txt has their
 * licenses.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchSource, type Source } from './sources.js';

/** C sources of hash functions, MIT and public domain. */
const hashes: Source = {
  spec: 'hash-wasm@4.13.0',
  integrity:
    'sha512-GrWl7wsV46fKIXQZB5ebskLZLAmKL6d9RS0fspCxDeQyjoNu1AfTJTMLPOJyfzaQm0ldFiwFN21/w+sE/kgEFQ==',
};

/** xxHash 0.8.3, BSD-2-Clause. */
const xxhash: Source = {
  spec: 'xxhash-addon@2.1.0',
  integrity:
    'sha512-y69Lhs6msXn4eLPZkDqSKff3OLHyOL7a5lhxbJ0NN4x6XYhVI+lKIXt7JxQqSHssEhUWLgAWIbUbT9X9KUTbcw==',
};

/** For each extension: the included file name, the package, and the path in the package. */
const carried: Readonly<Record<string, readonly (readonly [string, Source, string])[]>> = {
  hash: [
    ...['md5', 'sha1', 'sha256', 'sha512', 'sha3', 'crc32', 'blake3'].map(
      (name) => [`hash-wasm-${name}.c`, hashes, `src/${name}.c`] as const,
    ),
    ['xxhash.h', xxhash, 'xxHash/xxhash.h'],
  ],
};

/** Returns the third-party files that the sources in extensions/NAME/ include. */
export function carriedFiles(extension: string): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const [name, source, path] of carried[extension] ?? []) {
    files[name] = new Uint8Array(readFileSync(join(fetchSource(source), path)));
  }
  return files;
}
