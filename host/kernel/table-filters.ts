/** Table filters: GLOB patterns for names, or a function that is called once for each table. */

import type { Core } from '../core/core.js';

/** Whether `name` matches a GLOB pattern. C: `sqlite3_strglob`. */
export function matchesGlob(core: Core, glob: string, name: string): boolean {
  using arena = core.memory.arena();
  return core.c.sqlite3_strglob(arena.cString(glob), arena.cString(name)) === 0;
}

/** Whether GLOB patterns select a table. A pattern that begins with `!` excludes tables. */
export function globsInclude(core: Core, globs: readonly string[], table: string): boolean {
  const named = globs.filter((glob) => !glob.startsWith('!'));
  const barred = globs.filter((glob) => glob.startsWith('!'));
  if (barred.some((glob) => matchesGlob(core, glob.slice(1), table))) return false;
  return named.length === 0 || named.some((glob) => matchesGlob(core, glob, table));
}

/** Calls `filter` once for each table and remembers the result. */
export function oncePerTable(filter: (table: string) => boolean): (table: string) => boolean {
  const known = new Map<string, boolean>();
  return (table) => {
    let answer = known.get(table);
    if (answer === undefined) {
      answer = Boolean(filter(table));
      known.set(table, answer);
    }
    return answer;
  };
}
