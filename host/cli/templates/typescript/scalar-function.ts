/**
 * slug(text): converts a text to lower case and replaces everything except letters and digits by hyphens, for use in
 * URLs.
 */

import { fail } from './errors.js';
import type { Functions } from './types/scalar-function.js';

export const scalarFunction: Functions = {
  describe: () => [{ id: 0, name: 'slug', numArgs: 1, options: { deterministic: true, innocuous: true } }],

  call(_id, [text]) {
    if (text === undefined || text.tag === 'null') return { tag: 'null' };
    if (text.tag !== 'text') return fail(20, 'slug: the argument must be text');
    const slug = text.val
      .replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
      .replace(/[^0-9A-Za-z\u0080-\u{10ffff}]+/gu, '-')
      .replace(/^-|-$/g, '');
    return { tag: 'text', val: slug };
  },
};
