/** Temporary folders that are removed with what they were made for. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

function make(name: string): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A folder for the file or the `describe` that this is called in. */
export function sharedFolder(name: string): string {
  const { folder, remove } = make(name);
  afterAll(remove);
  return folder;
}

/** A folder for the test that runs, also if this is called in `beforeEach`. */
export function testFolder(name: string): string {
  const { folder, remove } = make(name);
  onTestFinished(remove);
  return folder;
}
