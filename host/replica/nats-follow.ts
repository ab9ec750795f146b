/**
 * Reads a stream with pull requests and heartbeats. The consumers of the NATS clients are not used, because they can
 * hang forever after the server was killed while it was writing.
 */

import type { Msg } from '@nats-io/transport-node';
import { replicaError } from './errors.js';
import type { LogMessage } from './log.js';
import type { Connected } from './nats-connection.js';
import { natsError } from './nats-errors.js';

/** The interval between the server's heartbeats, and the maximum time without a heartbeat or message, in ms. */
const heartbeat = 300;
const silence = 1000;
/** The default number of messages in a pull request, and the time in ms after which the request expires. */
const usualBatch = 256;
const expires = 30_000;

/** Statuses of a pull request: a heartbeat, and the end of a request without messages. */
const idleStatus = 100;
const overStatuses = [404, 408];

const nanoseconds = (ms: number): number => ms * 1_000_000;

/** The sequence numbers of a message in its stream and in its consumer, from its reply subject. */
function placesOf(message: Msg): { readonly sequence: number; readonly delivered: number } | undefined {
  const tokens = message.reply?.split('.') ?? [];
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return undefined;
  // Newer servers add the domain and the account before the stream.
  const stream = tokens.length === 9 ? 2 : 4;
  return { sequence: Number(tokens[stream + 3]), delivered: Number(tokens[stream + 4]) };
}

/** Which messages of a stream to read. */
export interface Following {
  /** The sequence number of the first message. */
  readonly from: number;
  /** The subject of the messages. By default all messages are read. */
  readonly subject?: string;
  /** The number of messages in a pull request. At most this many messages are kept in memory. */
  readonly batch?: number;
}

/**
 * Reads the messages of a stream from a sequence number on.
 *
 * @throws ReplicaError `unavailable` if the server is silent for a second, or if a message was lost
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
    // The timer was late because the program was computing. Messages could not be received, so do not report silence.
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
        heard = performance.now(); // no request was open while the reader was busy
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
        // The request has ended: it expired, or the server dropped it.
        if (overStatuses.includes(code)) asked = 0;
        else throw replicaError('unavailable', `cannot follow ${stream}: ${description || `status ${code}`}`);
        continue;
      }
      if (places.delivered !== delivered + 1) {
        throw replicaError('unavailable', `a message of ${stream} was lost`);
      }
      delivered = places.delivered;
      asked -= 1;
      yield { sequence: places.sequence, bytes: message.data };
    }
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', stop);
    subscription.unsubscribe();
    manager.consumers.delete(stream, consumer.name).catch(() => {}); // if this fails, the server deletes it after 10 seconds
  }
}
