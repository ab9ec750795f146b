/** Simulations of copies with faults: at the end all copies are equal, and no transaction is lost or applied twice. */

import { describe, expect, test } from 'vitest';
import { type Plan, Simulation } from './simulated.js';

const faults = { lostAcks: 0.1, lostMessages: 0.05, delay: 20 };
const plain: Plan = {
  seed: 0,
  copies: 3,
  steps: 120,
  faults,
  files: false,
  policies: ['rerun'],
  schemas: true,
};
const plans: Readonly<Record<string, { readonly plan: Partial<Plan>; readonly seeds: number }>> = {
  'functions run again': { plan: {}, seeds: 15 },
  'rows are rejected': { plan: { policies: ['reject'] }, seeds: 10 },
  'each copy has its policy': {
    plan: { copies: 4, policies: ['rerun', 'ours', 'theirs', 'reject'] },
    seeds: 10,
  },
  'files, and kills': { plan: { files: true, steps: 80 }, seeds: 5 },
  'no faults': { plan: { faults: {}, copies: 2 }, seeds: 3 },
};

describe.each(Object.entries(plans))('%s', (_, { plan, seeds }) => {
  const sums = { messages: 0, committed: 0, rejected: 0, redone: 0 };
  test.each(Array.from({ length: seeds }, (_, i) => i + 1))('seed %i', async (seed) => {
    const simulation = new Simulation({ ...plain, ...plan, seed });
    expect(await simulation.run()).toEqual([]);
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += simulation.counts[name];
  });

  test('had enough messages and rebases', () => {
    console.log(JSON.stringify(sums));
    expect(sums.messages).toBeGreaterThan(10 * seeds);
    expect(sums.redone).toBeGreaterThan(3 * seeds);
    if (plan.policies) expect(sums.rejected).toBeGreaterThan(seeds);
  });
});
