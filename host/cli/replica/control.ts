/** The requests of commands to a replica, in this or another process. Arguments and results are JSON. */

import { type Replica, ReplicaError, type UndoPolicy } from '../../replica/index.js';
import { CommandError, exitCodes } from '../exit.js';

/** The requests with their arguments and results. */
export interface Requests {
  retry: { args: readonly [id: string, policy: UndoPolicy]; result: { sequence: number | null } };
  drop: { args: readonly [id: string]; result: boolean };
  undo: {
    args: readonly [sequence: number, policy: UndoPolicy, transaction: string | null];
    result: { sequence: number };
  };
  snapshot: {
    args: readonly [trim: boolean];
    result: { name: string; sequence: number; size: number; messages: number; objects: number };
  };
  verify: { args: readonly []; result: Awaited<ReturnType<Replica['verify']>> };
}

type Answers = {
  [Name in keyof Requests]: (
    replica: Replica,
    ...args: Requests[Name]['args']
  ) => Promise<Requests[Name]['result']>;
};

const answers: Answers = {
  async retry(replica, id, policy) {
    const { placed } = replica.retry(id, policy);
    if (replica.status().state !== 'online') return { sequence: null };
    return { sequence: await placed };
  },
  drop: async (replica, id) => replica.drop(id),
  async undo(replica, sequence, policy, transaction) {
    const placed = await replica.undo(sequence, { policy, ...(transaction !== null && { transaction }) });
    return { sequence: placed.sequence };
  },
  async snapshot(replica, trim) {
    await replica.sync();
    const snapshot = await replica.snapshot();
    const removed = trim ? await replica.trim(snapshot) : { messages: 0, objects: 0 };
    return { ...snapshot, ...removed };
  },
  async verify(replica) {
    await replica.sync();
    return replica.verify();
  },
};

/** Handles a request. @throws CommandError */
export async function answer<Name extends keyof Requests>(
  replica: Replica,
  name: Name,
  args: Requests[Name]['args'],
): Promise<Requests[Name]['result']> {
  try {
    return await answers[name](replica, ...args);
  } catch (error) {
    throw asCommandError(error);
  }
}

export const isRequest = (name: unknown): name is keyof Requests =>
  typeof name === 'string' && Object.hasOwn(answers, name);

export function asCommandError(error: unknown): unknown {
  if (!(error instanceof ReplicaError)) return error;
  return new CommandError(
    error.message,
    error.reason === 'rejected' ? exitCodes.notApplied : exitCodes.failed,
  );
}
