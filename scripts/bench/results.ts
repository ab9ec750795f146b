/** The results of a run: the figures of each workload and program, and their JSON form. */

import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

/** The median and the quartiles of samples. */
export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly samples: number;
}

/** The figures of the first repetition of a process and of later repetitions. */
export interface Cell {
  readonly first: Figure;
  readonly warm?: Figure;
  /** The ratios of the medians to native C in the same run. */
  readonly ratio?: { readonly first: number; readonly warm?: number };
}

export interface Result {
  readonly title: string;
  readonly unit: string;
  /** The cells by program id. */
  readonly programs: Readonly<Record<string, Cell>>;
}

export interface Contestant {
  readonly title: string;
  readonly sqlite: string;
  readonly node?: string;
}

export interface Run {
  readonly format: 1;
  readonly date: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memory: string;
    readonly system: string;
    /** The load average of the minute before the run. */
    readonly load: number;
  };
  readonly rounds: number;
  readonly rows: number;
  readonly programs: Readonly<Record<string, Contestant>>;
  /** The results by group and workload, such as `memory.insert`. */
  readonly results: Readonly<Record<string, Result>>;
}

/** Rounds to four significant digits, because more are noise. */
const rounded = (value: number): number => Number(value.toPrecision(4));

export function machine(): Run['machine'] {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    load: rounded(loadavg()[0] ?? 0),
    system: `${type()} ${release().replace(/-.*/, '')}`,
  };
}

export function figure(samples: readonly number[]): Figure {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (part: number): number => {
    const place = (sorted.length - 1) * part;
    const [below = Number.NaN, above = below] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
    return rounded(below + (above - below) * (place % 1));
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75), samples: sorted.length };
}

/** Makes a cell from samples, with ratios to the samples of C. */
export function cell(samples: Samples, native?: Samples): Cell {
  const first = figure(samples.first);
  const warm = samples.warm.length > 0 ? figure(samples.warm) : undefined;
  const base = native && cell(native);
  const compared = base && base.first.median > 0 && !(base.warm && base.warm.median <= 0);
  const ratio = (own: Figure, over: Figure): number => rounded(own.median / over.median);
  return {
    first,
    ...(warm && { warm }),
    ...(compared && {
      ratio: {
        first: ratio(first, base.first),
        ...(warm && base.warm && { warm: ratio(warm, base.warm) }),
      },
    }),
  };
}

export interface Samples {
  readonly first: number[];
  readonly warm: number[];
}

/** The ratio of warm repetitions, or of the first if there are none. */
export const ratioOf = (of: Cell | undefined): number | undefined => of?.ratio?.warm ?? of?.ratio?.first;

/** Converts a run to JSON with one line for each figure. */
export function written(run: Run): string {
  const text = JSON.stringify(run, null, 2);
  return `${text.replace(/\{\s*("[^{}]*?)\s*\}/g, (_, inner: string) => `{ ${inner.replace(/\s*\n\s*/g, ' ')} }`)}\n`;
}

/** Reads a run from a file. */
export function readRun(file: string): Run {
  const run = JSON.parse(readFileSync(file, 'utf8')) as Partial<Run> | null;
  if (run?.format !== 1 || typeof run.results !== 'object') {
    throw new Error(`${file} is not a run of the bench; make one with npm run bench -- --json ${file}`);
  }
  return run as Run;
}
