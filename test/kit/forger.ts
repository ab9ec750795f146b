/** Writes test/guests/forger.wasm with other texts. */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Forged {
  readonly name?: string;
  readonly version?: string;
  /** The name of its function of one argument, which traps. */
  readonly function?: string;
  /** The message of its functions forge_fail and forge_log. */
  readonly message?: string;
}

const labels = { name: 'NAME...:', version: 'VERSION:', function: 'FUNCTION', message: 'MESSAGE:' } as const;
const room = 200;

/** Cuts a text to the available room. */
export function fitting(text: string): string {
  let cut = text;
  while (Buffer.byteLength(cut) >= room) cut = [...cut].slice(0, -1).join('');
  return cut;
}

/** Writes the component to `file`. Texts are cut at 199 bytes, at a whole character. */
export function forge(file: string, texts: Forged): string {
  const bytes = readFileSync(fileURLToPath(new URL('../guests/forger.wasm', import.meta.url)));
  for (const [key, label] of Object.entries(labels)) {
    const text = texts[key as keyof Forged];
    if (text === undefined) continue;
    const place = bytes.indexOf(label) + label.length;
    bytes.fill(0, place, place + room).write(fitting(text), place);
  }
  writeFileSync(file, bytes);
  return file;
}
