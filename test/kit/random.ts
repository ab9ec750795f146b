/** Pseudorandom numbers from a seed (xorshift). */
export function randomOf(seed: number): (below: number) => number {
  let state = Math.imul(seed, 2_654_435_761) + 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
