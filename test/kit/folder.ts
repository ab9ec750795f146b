/** Temporary folders that are removed after the test or the file. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

function make(name: string): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Makes a folder for the file or `describe` that calls this. */
export function sharedFolder(name: string): string {
  const { folder, remove } = make(name);
  afterAll(remove);
  return folder;
}

/** Makes a folder for the running test, also in `beforeEach`. */
export function testFolder(name: string): string {
  const { folder, remove } = make(name);
  onTestFinished(remove);
  return folder;
}
