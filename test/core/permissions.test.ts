/** The API in a process that may read only the files of the program. */

import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dist, root } from '../../scripts/sources.js';

const [major = 0] = process.versions.node.split('.').map(Number);

test.runIf(major >= 24)('databases in memory need no permission but to read the program', () => {
  const program = `import { DatabaseSync } from ${JSON.stringify(join(dist, 'index.js'))};
    const db = new DatabaseSync(':memory:');
    console.log(db.prepare('SELECT length(randomblob(8)) AS n').get().n);`;
  const readable = [root, join(root, 'node_modules')].map((path) => `--allow-fs-read=${realpathSync(path)}`);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--permission', ...readable, '--input-type=module', '-e', program],
    { encoding: 'utf8' },
  );
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '8\n', stderr: '' });
});
