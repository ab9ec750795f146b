/**
 * A released contract never changes: fails if a file of a released folder of wit/ does, except for comments
 * and blank space. Also fails if what is generated from the newest one is out of date: what wit-bindgen and jco make
 * names the WIT that it was made from, so that neither is needed here.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './sources.js';
import { contractText, stampOf, witDigest, witFiles } from './wit.js';

/** The digest of each release: of its files in the order of their names, of each its name and what is parsed. */
const released: Readonly<Record<string, string>> = {
  '1.0.0': '45f285019e7f82991e890f2dc698d53a95ea19612bd3066a4f256e6b6fddeb26',
  '1.1.0': '728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9',
};

const problems: string[] = [];

for (const [version, wanted] of Object.entries(released)) {
  const found = witDigest(witFiles(version));
  if (found === wanted) continue;
  problems.push(`wit/${version} is released and was changed (sha256 ${found}): growth is a new folder`);
}

const stamp = stampOf(witFiles());
const remedy = 'run npm run build:bindings and commit what it writes';
if (readFileSync(join(root, 'host/interfaces/contract.ts'), 'utf8') !== contractText()) {
  problems.push(`host/interfaces/contract.ts is not what the WIT gives: ${remedy}`);
}
for (const folder of ['host/abi/generated', 'extensions/bindings']) {
  const behind = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[cht]s?$/.test(name))
    .filter(
      (name) =>
        !readFileSync(join(root, folder, name), 'utf8')
          .split('\n', 3)
          .includes(stamp),
    );
  if (behind.length > 0) problems.push(`${folder} is behind the WIT (${behind.join(', ')}): ${remedy}`);
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
