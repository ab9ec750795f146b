/** How the benches measure, and how they print. */

/** A time in ms. */
export function timed(action: () => void): number {
  const started = performance.now();
  action();
  return performance.now() - started;
}

export function median(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN;
}

/**
 * The shortest time of each action in ms. They take turns, so that other work of the machine affects all alike; the
 * shortest is the best guess, since a disturbance only ever adds. A first round that is not counted warms up.
 */
export function race<Name extends string>(
  actions: Readonly<Record<Name, () => void>>,
  rounds = 15,
): Record<Name, number> {
  const best = {} as Record<Name, number>;
  const entries = Object.entries(actions) as [Name, () => void][];
  for (const [name, action] of entries) {
    action();
    best[name] = Number.POSITIVE_INFINITY;
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, action] of entries) best[name] = Math.min(best[name], timed(action));
  }
  return best;
}

/** The median of each action's own measurements, which take turns: for processes and disks, which have no best. */
export function rounds<Name extends string>(
  actions: Readonly<Record<Name, () => number>>,
  count: number,
): Record<Name, number> {
  const samples = new Map<Name, number[]>();
  const entries = Object.entries(actions) as [Name, () => number][];
  for (let round = 0; round < count; round++) {
    for (const [name, action] of entries) {
      const own = samples.get(name) ?? [];
      samples.set(name, own);
      own.push(action());
    }
  }
  return Object.fromEntries([...samples].map(([name, own]) => [name, median(own)])) as Record<Name, number>;
}

/** How far the middle half of the samples lie apart, over their median. */
export function spread(samples: readonly number[]): string {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN;
  return `${Math.round((100 * (at(0.75) - at(0.25))) / median(samples))} %`;
}

/** Three digits that count, at most. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

export function times(value: number, mark: number): string {
  return `x ${short(value / mark)}`;
}

/** Prints a table: a title over a line for each row. */
export function print(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): void {
  const width = (i: number): number => Math.max(...[columns, ...rows].map((cells) => cells[i]?.length ?? 0));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(width(0)) : cell.padStart(width(i) + 2))).join('');
  console.log(`\n${title}\n`);
  for (const cells of [columns, ...rows]) console.log(`  ${line(cells)}`.trimEnd());
}
