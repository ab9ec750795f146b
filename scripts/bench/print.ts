/** Prints a run as tables for a terminal, and in Markdown for README. */

import { print, short } from './measure.js';
import { type Cell, type Figure, type Run, ratioOf } from './results.js';

/** Formats a median with its interquartile range in percent. */
function withSpread({ median, low, high, samples }: Figure): string {
  const part = Math.round((100 * (high - low)) / Math.abs(median));
  return samples < 2 ? short(median) : `${short(median)}, ${part} %`;
}

function shown(cell: Cell | undefined, kind: 'first' | 'warm'): string {
  const figure = cell?.[kind];
  if (!figure) return '-';
  const ratio = cell?.ratio?.[kind];
  const value = withSpread(figure);
  return ratio === undefined ? value : `x ${short(ratio)} (${value})`;
}

/** The results of each group, in order. */
function byGroup(run: Run): Map<string, [work: string, Run['results'][string]][]> {
  const groups = new Map<string, [string, Run['results'][string]][]>();
  for (const [key, result] of Object.entries(run.results)) {
    const [group = '', work = ''] = key.split('.');
    groups.set(group, [...(groups.get(group) ?? []), [work, result]]);
  }
  return groups;
}

/** Prints medians and spreads of first and warm repetitions. */
export function printRun(run: Run, titles: Readonly<Record<string, { title: string }>>): void {
  for (const [group, results] of byGroup(run)) {
    const ids = Object.keys(run.programs).filter((id) => results.some(([, { programs }]) => programs[id]));
    for (const kind of ['first', 'warm'] as const) {
      const rows = results
        .filter(([, { programs }]) => Object.values(programs).some((cell) => cell[kind]))
        .map(([, { title, programs }]) => [title, ...ids.map((id) => shown(programs[id], kind))]);
      if (rows.length === 0) continue;
      const { unit = '' } = results[0]?.[1] ?? {};
      const compared = results.some(([, { programs }]) => programs.c?.ratio);
      print(
        `${titles[group]?.title ?? group}, ${kind}: medians${compared ? " over C's" : ''}; ${unit}, and the interquartile range`,
        ['', ...ids.map((id) => run.programs[id]?.title ?? id)],
        rows,
      );
    }
  }
}

/** Formats the warm ratio, or the value if there is no ratio, with that of the first repetition in brackets. */
function brief(cell: Cell | undefined, unit: string): string {
  const { first, warm, ratio } = cell ?? {};
  if (!first) return '-';
  const text = (ofFirst: number, ofWarm: number | undefined, ending: string): string =>
    ofWarm === undefined ? short(ofFirst) + ending : `${short(ofWarm)}${ending} (${short(ofFirst)})`;
  if (ratio) return text(ratio.first, ratio.warm, '');
  // A call takes the difference of two measurements, of which the first repetition can be negative.
  return first.median < 0 && warm
    ? `${short(warm.median)} ${unit}`
    : text(first.median, warm?.median, ` ${unit}`);
}

/** The tables of README: native C in its unit, and all others as ratios to native C. */
export function markdown(run: Run): string {
  const { machine, programs, rounds } = run;
  const ids = Object.keys(programs).filter((id) => id !== 'c');
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rows = Object.values(run.results).map(({ title, unit, programs: cells }) => {
    const { c } = cells;
    const isRatio = Object.values(cells).some(({ ratio }) => ratio);
    const native =
      c && (isRatio || c.warm === undefined) ? `${short((c.warm ?? c.first).median)} ${unit}` : '-';
    return line([title, native, ...ids.map((id) => brief(cells[id], unit))]);
  });
  return [
    `${machine.cores} x ${machine.cpu}, ${machine.memory}, ${machine.system}; ${run.date.slice(0, 10)}; medians of ${rounds} rounds.`,
    '',
    line(['work', 'native C', ...ids.map((id) => programs[id]?.title ?? id)]),
    line(['---', ...['c', ...ids].map(() => '---')]),
    ...rows,
    '',
    `SQLite: ${Object.values(programs)
      .map(({ title, sqlite, node }) => `${title} ${sqlite}${node ? ` on ${node}` : ''}`)
      .join(', ')}.`,
  ].join('\n');
}

const markers = ['<!-- npm run bench -- --record -->', '<!-- end -->'] as const;

/** Replaces the table between the markers in a document. */
export function inserted(document: string, table: string): string {
  const [from, to] = markers.map((marker) => document.indexOf(marker)) as [number, number];
  if (from < 0 || to < from)
    throw new Error(`the document has no place for the table: ${markers.join(' .. ')}`);
  return `${document.slice(0, from + markers[0].length)}\n\n${table}\n\n${document.slice(to)}`;
}

/** The ratios of a program, for check.ts and chart.ts. */
export function ratios(run: Run, id: string): Map<string, number> {
  return new Map(
    Object.entries(run.results).flatMap(([key, { programs }]) => {
      const ratio = ratioOf(programs[id]);
      return ratio === undefined ? [] : [[key, ratio] as const];
    }),
  );
}
