/** Draws a run as an SVG chart of ratios to native C, for light and dark backgrounds. */

import { ratios } from './print.js';
import type { Run } from './results.js';

/** The workloads that README shows. */
const shown = [
  'files.insertFile',
  'memory.insert',
  'memory.get',
  'files.read',
  'files.walCommit',
  'engine.scan',
  'engine.sort',
  'engine.insertSelect',
  'rows.all',
  'rows.iterate',
  'sessions.captured',
  'sessions.changeset',
  'sessions.apply',
];
const colors: Readonly<Record<string, string>> = {
  ours: '#d9480f',
  'node:sqlite': '#2f9e44',
  'better-sqlite3': '#1c7ed6',
  'sqlite-wasm': '#9c36b5',
  'node-sqlite3-wasm': '#868e96',
};
const [width, labels, bar, gap] = [880, 310, 9, 12];
/** The ratio of the longest bar. Longer bars are cut; their number shows the ratio. */
const longest = 10;

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c] ?? '&quot;');

export function chart(run: Run): string {
  // Show results of this package only for the newest Node, which also runs the peers.
  const ours = Object.keys(run.programs).filter((id) => id.startsWith('ours@'));
  const ids = Object.keys(run.programs).filter(
    (id) => id !== 'c' && (id === ours.at(-1) || !ours.includes(id)),
  );
  const found = new Map(ids.map((id) => [id, ratios(run, id)]));
  const scale = (width - labels - 60) / longest;
  const parts: string[] = [];
  const text = (x: number, y: number, value: string, more = ''): void => {
    parts.push(`<text x="${x}" y="${y}"${more}>${escaped(value)}</text>`);
  };
  text(10, 22, 'Time as a ratio to native C: shorter is better', ' font-weight="bold"');
  let x = 10;
  for (const id of ids) {
    const title = id === ours.at(-1) ? 'sqlite-wasm-run' : (run.programs[id]?.title ?? id);
    parts.push(`<rect x="${x}" y="36" width="12" height="12" fill="${colors[id.replace(/@.*/, '')]}"/>`);
    text(x + 17, 46, title);
    x += 40 + title.length * 7;
  }
  let y = 66;
  const top = y;
  for (const key of shown) {
    const entrants = ids.filter((id) => found.get(id)?.has(key));
    if (entrants.length === 0) continue;
    text(
      labels - 10,
      y + (entrants.length * bar) / 2 + 4,
      run.results[key]?.title ?? key,
      ' text-anchor="end"',
    );
    for (const id of entrants) {
      const ratio = found.get(id)?.get(key) ?? 0;
      const length = Math.min(ratio, longest) * scale;
      const fill = colors[id.replace(/@.*/, '')];
      parts.push(
        `<rect x="${labels}" y="${y}" width="${length.toFixed(1)}" height="${bar - 1}" fill="${fill}"/>`,
      );
      text(labels + length + 4, y + bar - 1, ratio.toFixed(1), ' class="n"');
      y += bar;
    }
    y += gap;
  }
  const native = labels + scale;
  parts.push(`<path d="M${native} ${top - 4}V${y - gap + 4}" stroke-dasharray="3 3" class="line"/>`);
  text(native + 3, y + 4, 'native C', ' class="n"');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 14}" width="${width}" font-family="sans-serif" font-size="13" role="img" aria-label="Speed as ratios to native C">
<style>text{fill:#24292f}.n{font-size:9px}.line{stroke:#57606a}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.line{stroke:#9198a1}}</style>
${parts.join('\n')}
</svg>
`;
}
