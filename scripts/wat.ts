/** Compiles the modules of host/ that are written in the text format of WebAssembly. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from '@bytecodealliance/jco';
import * as layout from '../host/abi/layout.js';
import * as values from '../host/abi/values.js';
import * as constants from '../host/core/constants.js';
import * as cells from '../host/kernel/cells.js';
import { scratchSize } from '../host/kernel/engine.js';
import { root } from './sources.js';

/** The numbers that a module may use, by the name after the @. */
const numbers: Readonly<Record<string, unknown>> = {
  ...constants,
  ...layout,
  ...values,
  ...cells,
  scratchSize,
  valueAlign: layout.sqlValue.align,
  valuePayloadHigh: values.valuePayload + 4,
  valueResultSize: layout.valueOrError.size,
  valueResultAlignMask: layout.valueOrError.align - 1,
  valueResultPayload: layout.valueOrError.payload,
  nothingResultSize: layout.nothingOrError.size,
  nothingResultAlignMask: layout.nothingOrError.align - 1,
};

/** The modules, by the path of their files without extension, and the names of the constants that they become. */
const modules = [
  ['host/core/strings', 'stringsModule'],
  ['host/abi/linked-calls', 'linkedCallsModule'],
] as const;

/** Returns the paths and texts of the TypeScript files that contain the compiled modules. */
export function watFiles(own: string): Promise<(readonly [path: string, text: string])[]> {
  return Promise.all(
    modules.map(async ([path, name]) => {
      const source = readFileSync(join(root, `${path}.wat`), 'utf8');
      const module = await parse(
        source.replace(/@(\w+)/g, (_, known: string) => {
          const number = numbers[known];
          if (typeof number !== 'number') throw new Error(`${path}.wat: @${known} is not a known number`);
          return `${number}`;
        }),
      );
      const file = path.slice(path.lastIndexOf('/') + 1);
      const text = [
        `/** The WebAssembly module of ${file}.wat, in base64. */`,
        own,
        '',
        `export const ${name} = '${Buffer.from(module).toString('base64')}';`,
      ];
      return [`${path}-module.ts`, text.join('\n')] as const;
    }),
  );
}
