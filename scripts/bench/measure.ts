/** Measures times and prints tables. */

/** Runs an action and returns its time in ms. */
export function timed(action: () => void): number {
  const started = performance.now();
  action();
  return performance.now() - started;
}

export function median(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN;
}

/** Medians in ms, and the largest relative interquartile range. */
export interface Race<Name extends string> {
  readonly medians: Record<Name, number>;
  readonly spread: string;
}

/**
 * Measures actions in turns, so that other load on the machine affects all of them equally. The first round warms up
 * and is not counted.
 */
export function race<Name extends string>(
  actions: Readonly<Record<Name, () => void>>,
  rounds = 15,
): Race<Name> {
  const entries = Object.entries(actions) as [Name, () => void][];
  for (const [, action] of entries) action();
  const samples = entries.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, [, action]] of entries.entries()) samples[i]?.push(timed(action));
  }
  const medians = Object.fromEntries(entries.map(([name], i) => [name, median(samples[i] ?? [])]));
  return {
    medians: medians as Record<Name, number>,
    spread: `${Math.round(100 * Math.max(...samples.map(spread)))} %`,
  };
}

/** The interquartile range of the samples, divided by their median. */
function spread(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN;
  return (at(0.75) - at(0.25)) / median(samples);
}

/** Formats a number with at most three significant digits. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

export function times(value: number, mark: number): string {
  return `x ${short(value / mark)}`;
}

/** Prints a title and a table. */
export function print(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): void {
  const width = (i: number): number => Math.max(...[columns, ...rows].map((cells) => cells[i]?.length ?? 0));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(width(0)) : cell.padStart(width(i) + 2))).join('');
  console.log(`\n${title}\n`);
  for (const cells of [columns, ...rows]) console.log(`  ${line(cells)}`.trimEnd());
}
