/**
 * Fails if a file in a released folder of wit/ was changed, except for comments and white space. Also fails if the
 * files generated from the newest folder are out of date. A generated file names the digest of its WIT, so this check
 * needs neither wit-bindgen nor jco.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './sources.js';
import { contractText, stampOf, witDigest, witFiles } from './wit.js';

/** The digest of each release, of the names and parsed content of its files. */
const released: Readonly<Record<string, string>> = {
  '1.0.0': '45f285019e7f82991e890f2dc698d53a95ea19612bd3066a4f256e6b6fddeb26',
  '1.1.0': '728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9',
};

const problems: string[] = [];

for (const [version, wanted] of Object.entries(released)) {
  const found = witDigest(witFiles(version));
  if (found === wanted) continue;
  problems.push(
    `wit/${version} is released but was changed (sha256 ${found}): make a new folder for changes`,
  );
}

const stamp = stampOf(witFiles());
const remedy = 'run npm run build:bindings and commit the generated files';
if (readFileSync(join(root, 'host/interfaces/contract.ts'), 'utf8') !== contractText()) {
  problems.push(`host/interfaces/contract.ts does not match the WIT: ${remedy}`);
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
