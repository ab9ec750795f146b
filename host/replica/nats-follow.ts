/**
 * Reads a stream by a consumer of our own: pull requests with heartbeats. The clients' consumers can stay silent for good
 * after the server was killed while it wrote.
 */

import type { Msg } from '@nats-io/transport-node';
import { replicaError } from './errors.js';
import type { LogMessage } from './log.js';
import type { Connected } from './nats-connection.js';
import { natsError } from './nats-errors.js';

/** How often the server says that it is there, and how long it may be silent, in ms. */
const heartbeat = 300;
const silence = 1000;
/** How many messages are asked for at a time unless it is said, and for how long. */
const usualBatch = 256;
const expires = 30_000;

/** Statuses of a pull request: the server is there; nothing came in time. */
const idleStatus = 100;
const overStatuses = [404, 408];

const nanoseconds = (ms: number): number => ms * 1_000_000;

/** The places of a message, which its reply subject says. */
function placesOf(message: Msg): { readonly sequence: number; readonly delivered: number } | undefined {
  const tokens = message.reply?.split('.') ?? [];
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return undefined;
  // Newer servers add the domain and the account before the stream.
  const stream = tokens.length === 9 ? 2 : 4;
  return { sequence: Number(tokens[stream + 3]), delivered: Number(tokens[stream + 4]) };
}

/** What is read of a stream. */
export interface Following {
  /** The sequence of the first message. */
  readonly from: number;
  /** The subject of the messages; all by default. */
  readonly subject?: string;
  /** How many messages may be on their way at a time: so many are kept in memory, however slowly they are taken. */
  readonly batch?: number;
}

/**
 * The messages of a stream from a sequence on.
 *
 * @throws ReplicaError `unavailable` if the server is silent for a second, or a message was lost on its way
 */
export async function* followStream(
  { clients, connection, manager }: Connected,
  stream: string,
  { from, subject, batch = usualBatch }: Following,
  signal: AbortSignal,
): AsyncGenerator<LogMessage, void, void> {
  const { AckPolicy, DeliverPolicy } = clients.jetstream;
  const consumer = await manager.consumers
    .add(stream, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: from,
      ...(subject !== undefined && { filter_subject: subject }),
      inactive_threshold: nanoseconds(10_000),
      mem_storage: true,
      num_replicas: 1,
    })
    .catch((error: unknown) => {
      throw natsError(error, `follow ${stream}`);
    });
  const inbox = clients.transport.createInbox();
  const queue: Msg[] = [];
  let wake: (() => void) | undefined;
  let failure: Error | undefined;
  let heard = performance.now();
  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      heard = performance.now();
      if (error) failure = natsError(error, `follow ${stream}`);
      else queue.push(message);
      wake?.();
    },
  });
  const stop = (): void => wake?.();
  signal.addEventListener('abort', stop);
  let looked = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    // While the program computes nothing is heard, and nothing is wrong.
    if (now - looked > 2 * heartbeat) heard = now;
    looked = now;
    if (wake && now - heard > silence) {
      failure ??= replicaError('unavailable', `the server was silent for ${silence} ms`);
      wake?.();
    }
  }, heartbeat / 2);
  const ask = (): void =>
    connection.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer.name}`,
      JSON.stringify({ batch, expires: nanoseconds(expires), idle_heartbeat: nanoseconds(heartbeat) }),
      { reply: inbox },
    );
  let asked = 0;
  let delivered = 0;
  try {
    while (!signal.aborted) {
      if (asked === 0) {
        ask();
        asked = batch;
      }
      const message = queue.shift();
      if (!message) {
        if (failure) throw failure;
        heard = performance.now(); // nothing was asked for while nothing was taken
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
        continue;
      }
      const places = placesOf(message);
      if (!places) {
        const { code = 0, description = '' } = message.headers ?? {};
        if (code === idleStatus) continue;
        // The request is over: it expired, or the server dropped it.
        if (overStatuses.includes(code)) asked = 0;
        else throw replicaError('unavailable', `cannot follow ${stream}: ${description || `status ${code}`}`);
        continue;
      }
      if (places.delivered !== delivered + 1) {
        throw replicaError('unavailable', `a message of ${stream} was lost on its way`);
      }
      delivered = places.delivered;
      asked -= 1;
      yield { sequence: places.sequence, bytes: message.data };
    }
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', stop);
    subscription.unsubscribe();
    manager.consumers.delete(stream, consumer.name).catch(() => {}); // else it ends by itself
  }
}
