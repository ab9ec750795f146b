/**
 * Runs the pinned clang. As a program, `clang.ts FOLDER OUTPUT ARG...` runs clang on the files of FOLDER, in its own
 * process.
 */

import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { cache, compiler, fetchSource, sha256 } from './sources.js';

interface Clang {
  runClang(args: string[], files: Record<string, Uint8Array>): Promise<Record<string, Uint8Array>>;
}

const here = fileURLToPath(import.meta.url);

/** Runs clang on files and returns the file `output`. The output is cached by the digest of all input. */
export async function clang(
  args: string[],
  files: Record<string, Uint8Array>,
  output: string,
): Promise<Uint8Array> {
  const names = Object.keys(files).sort();
  const key = sha256(
    compiler.integrity,
    ...args,
    ...names.flatMap((name) => [name, files[name] as Uint8Array]),
  );
  const kept = join(cache, 'objects', `${key}.o`);
  if (!existsSync(kept)) {
    fetchSource(compiler);
    mkdirSync(dirname(kept), { recursive: true });
    const work = mkdtempSync(join(cache, 'clang-'));
    const started = Date.now();
    const progress = process.stderr.isTTY
      ? setInterval(
          () => process.stderr.write(`\r${output}: ${Math.round((Date.now() - started) / 1000)} s `),
          1000,
        )
      : undefined;
    try {
      for (const name of names) writeFileSync(join(work, name), files[name] as Uint8Array);
      await new Promise<void>((resolve, reject) => {
        const child = spawn(
          process.execPath,
          ['--import', import.meta.resolve('tsx'), here, work, output, ...args],
          {
            stdio: ['ignore', 'ignore', 'inherit'], // clang writes its messages to stderr; stdout has only those of its loader
          },
        );
        child.on('error', reject);
        child.on('exit', (code) =>
          code === 0 ? resolve() : reject(new Error(`clang failed to make ${output} (status ${code})`)),
        );
      });
      renameSync(join(work, output), kept);
    } finally {
      clearInterval(progress);
      rmSync(work, { recursive: true, force: true });
    }
    console.error(`\r${output}: ${Math.round((Date.now() - started) / 1000)} s`);
  }
  return readFileSync(kept);
}

if (process.argv[1] === here) {
  const [folder = '', output = '', ...args] = process.argv.slice(2);
  const entry = pathToFileURL(join(fetchSource(compiler), 'gen/bundle.js')).href;
  const { runClang } = (await import(entry)) as Clang;
  const files = Object.fromEntries(
    readdirSync(folder).map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]),
  );
  try {
    const made = (await runClang(['clang', ...args, '-o', output], files))[output];
    if (made) writeFileSync(join(folder, output), made);
    else process.exitCode = 1;
  } catch {
    process.exitCode = 1; // clang printed the reason; the error object contains all source files
  }
}
