/** The known name that is most similar to a wrong one; undefined if none is similar. */
export function nearest(wrong: string, names: readonly string[]): string | undefined {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++) {
        const swap = (row[j - 1] as number) + Number(a[i - 1] !== b[j - 1]);
        next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1));
      }
      row = next;
    }
    return row[b.length] as number;
  };
  const found = names.map((name) => [distance(wrong, name), name] as const).sort(([a], [b]) => a - b)[0];
  return found && found[0] <= 2 ? found[1] : undefined;
}

/**
 * The message for an unknown name. It suggests the most similar known name, or lists all names if none is similar.
 *
 * @param place text after the name, such as " in policy rule 1"
 */
export function unknownName(kind: string, name: unknown, known: readonly string[], place = ''): string {
  const near = typeof name === 'string' ? nearest(name, known) : undefined;
  const hint =
    near === undefined ? `choose one of ${known.join(', ')}` : `did you mean ${JSON.stringify(near)}?`;
  return `unknown ${kind} ${JSON.stringify(name)}${place}; ${hint}`;
}
