/** A released contract never changes again: fails where a file of a released folder of wit/ does. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './sources.js';

/** The sha256 of each release: over its files in the order of their names, name and content of each. */
const released: Readonly<Record<string, string>> = {
  '1.0.0': 'dff0c6c0fba02b1a1c180a2641c0b95d79901974024cf212794aa11625fbcd72',
  '1.1.0': '92ab16f2677e4de9c701feee923444fb04b55c5e90f80693fa25261ce6bc5d20',
};

for (const [version, wanted] of Object.entries(released)) {
  const folder = join(root, 'wit', version);
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort())
    hash.update(`${name}\n`).update(readFileSync(join(folder, name)));
  const found = hash.digest('hex');
  if (found === wanted) continue;
  console.error(`wit/${version} is released and was changed (sha256 ${found}): growth is a new folder`);
  process.exitCode = 1;
}
