/** A log in NATS JetStream: a stream for the messages of a database, and an object store for large data. */

import type { ObjectInfo } from '@nats-io/obj';
import { checkOptions, invalidType, invalidValue } from '../kernel/arguments.js';
import { replicaError } from './errors.js';
import type { Log, LogMessage, LogObject, LogState } from './log.js';
import { isUuid } from './message.js';
import { type Connected, NatsLink, type NatsServer, wrongAddress } from './nats-connection.js';
import { isInUse, isNoMessage, natsError } from './nats-errors.js';
import { followStream } from './nats-follow.js';

/** The options of {@link natsLog}. */
export interface NatsOptions extends NatsServer {
  /** The name of the database: letters, digits, "-" and "_". */
  name: string;
  /** The number of servers of a cluster that store the history, if this log creates it: 1 by default. */
  replicas?: number;
}

const optionKinds = {
  name: 'string',
  servers: 'any',
  credentials: 'string',
  user: 'string',
  password: 'string',
  token: 'string',
  tls: 'any',
  timeout: 'integer',
  replicas: 'integer',
} as const;

/** The keys in the metadata of a stream. */
const identityKey = 'sqlite-wasm-run-identity';
const originKey = 'sqlite-wasm-run-origin';

/** The space in bytes that a message needs for its headers. */
const headroom = 1024;
const largestChunk = 2 ** 20;
/** The maximum number of chunks in memory while an object is read. */
const chunksAhead = 8;

/**
 * A history in NATS JetStream, in the stream `replica_NAME` with the subject `replica.NAME`, and the object store
 * `replica_NAME`. The log connects on first use. It needs the packages `@nats-io/transport-node`, `@nats-io/jetstream`
 * and `@nats-io/obj`.
 *
 * @throws TypeError for unknown or missing options
 */
export function natsLog(options: NatsOptions): Log {
  checkOptions(options, optionKinds);
  const { name, servers, tls } = options;
  if (typeof name !== 'string' || !/^[A-Za-z0-9_-]{1,100}$/.test(name)) {
    throw invalidValue('The "options.name" argument must be 1 to 100 letters, digits, "-" and "_".');
  }
  const list = typeof servers === 'string' ? [servers] : servers;
  if (!Array.isArray(list) || list.length === 0 || !list.every((one) => typeof one === 'string')) {
    throw invalidType('The "options.servers" argument must be an address or an array of them.');
  }
  const wrong = list.map(wrongAddress).find((why) => why !== undefined);
  if (wrong !== undefined) throw invalidValue(`The "options.servers" argument: ${wrong}.`);
  checkOptions(tls, { ca: 'string', certificate: 'string', key: 'string' });
  return new NatsLog(options);
}

class NatsLog implements Log {
  readonly name: string;
  readonly #stream: string;
  readonly #subject: string;
  readonly #replicas: number;
  readonly #link: NatsLink;

  constructor(options: NatsOptions) {
    this.name = `history ${options.name}`;
    this.#stream = `replica_${options.name}`;
    this.#subject = `replica.${options.name}`;
    this.#replicas = options.replicas ?? 1;
    this.#link = new NatsLink(options);
  }

  async create(identity: string, origin: LogState['origin']): Promise<boolean> {
    const { clients, manager } = await this.#link.get();
    const { DiscardPolicy, RetentionPolicy, StorageType } = clients.jetstream;
    try {
      await manager.streams.add({
        name: this.#stream,
        subjects: [this.#subject],
        retention: RetentionPolicy.Limits,
        storage: StorageType.File,
        discard: DiscardPolicy.New,
        num_replicas: this.#replicas,
        allow_direct: false,
        deny_delete: true,
        metadata: { [identityKey]: identity, [originKey]: origin },
      });
      // Create the object store now, because later writers may not have the permission.
      await this.#link.objects(this.#stream, this.#replicas);
      return true;
    } catch (error) {
      if (isInUse(error)) return false;
      throw natsError(error, `create ${this.name}`);
    }
  }

  async state(): Promise<LogState> {
    const { manager } = await this.#link.get();
    const { config, state } = await manager.streams.info(this.#stream).catch((error: unknown) => {
      throw natsError(error, `read ${this.name}`);
    });
    const identity = config.metadata?.[identityKey];
    const origin = config.metadata?.[originKey];
    if (!isUuid(identity) || (origin !== 'empty' && origin !== 'snapshot')) {
      throw replicaError(
        'other-history',
        `the stream ${this.#stream} was not created by a replica: choose another name`,
      );
    }
    const discards = config.discard !== 'new' || config.max_age > 0 || config.max_msgs_per_subject > 0;
    if (discards || config.retention !== 'limits') {
      throw replicaError(
        'refused',
        `the stream ${this.#stream} can discard messages that copies need: set its discard to new, its retention to limits, and neither max_age nor max_msgs_per_subject`,
      );
    }
    return { identity, origin, first: Math.max(1, state.first_seq), last: state.last_seq };
  }

  async maxMessage(): Promise<number> {
    const { connection } = await this.#link.get();
    return (connection.info?.max_payload ?? 2 ** 20) - headroom;
  }

  async message(sequence: number): Promise<Uint8Array | undefined> {
    const { manager } = await this.#link.get();
    try {
      const found = await manager.streams.getMessage(this.#stream, { seq: sequence });
      return found?.data;
    } catch (error) {
      if (isNoMessage(error)) return undefined;
      throw natsError(error, `read message ${sequence} of ${this.name}`);
    }
  }

  async publish(bytes: Uint8Array, expected: number): Promise<number> {
    const { client } = await this.#link.get();
    try {
      const { seq } = await client.publish(this.#subject, bytes, {
        timeout: this.#link.timeout,
        expect: { streamName: this.#stream, lastSequence: expected },
      });
      return seq;
    } catch (error) {
      throw natsError(error, `publish to ${this.name}`, true);
    }
  }

  async *follow(from: number, signal: AbortSignal): AsyncGenerator<LogMessage, void, void> {
    const connected: Connected = await this.#link.get();
    yield* followStream(connected, this.#stream, { from }, signal);
  }

  async put(name: string, about: LogObject['about'], pieces: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      const { connection } = await this.#link.get();
      const store = await this.#link.objects(this.#stream, this.#replicas);
      const size = Math.min(largestChunk, connection.info?.max_payload ?? largestChunk);
      await store.put({ name, metadata: { ...about }, options: { max_chunk_size: size } }, streamOf(pieces), {
        timeout: 10 * this.#link.timeout,
      });
    } catch (error) {
      throw asOwn(error, `store ${name} of ${this.name}`);
    }
  }

  async get(name: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    try {
      const store = await this.#link.objects(this.#stream, this.#replicas);
      const found = await store.info(name);
      return !found || found.deleted ? undefined : this.#read(found);
    } catch (error) {
      throw asOwn(error, `read ${name} of ${this.name}`);
    }
  }

  async objects(prefix: string): Promise<LogObject[]> {
    try {
      const store = await this.#link.objects(this.#stream, this.#replicas);
      const all = await store.list();
      return all
        .filter(({ name, deleted }) => !deleted && name.startsWith(prefix))
        .map(({ name, size, mtime, metadata = {} }) => ({
          name,
          size,
          time: Date.parse(mtime) || Date.now(),
          about: metadata,
        }));
    } catch (error) {
      throw asOwn(error, `list the objects of ${this.name}`);
    }
  }

  async remove(name: string): Promise<void> {
    try {
      const store = await this.#link.objects(this.#stream, this.#replicas);
      if (await store.info(name)) await store.delete(name);
    } catch (error) {
      throw asOwn(error, `remove ${name} of ${this.name}`);
    }
  }

  async trim(first: number): Promise<void> {
    const { manager } = await this.#link.get();
    await manager.streams.purge(this.#stream, { seq: first }).catch((error: unknown) => {
      throw natsError(error, `trim ${this.name}`);
    });
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  /**
   * Reads the pieces of an object on demand. The object stores of the NATS clients would read all of the object into
   * memory.
   *
   * @throws ReplicaError `unavailable` if the next piece does not arrive
   */
  async *#read({ name, nuid, chunks }: ObjectInfo): AsyncGenerator<Uint8Array, void, void> {
    if (chunks === 0) return;
    const connected = await this.#link.get();
    const over = new AbortController();
    const following = { from: 1, subject: `$O.${this.#stream}.C.${nuid}`, batch: chunksAhead };
    const pieces = followStream(connected, `OBJ_${this.#stream}`, following, over.signal);
    try {
      for (let count = 0; count < chunks; count++) {
        const what = `read ${name} of ${this.name}`;
        const { value, done } = await within(pieces.next(), 5 * this.#link.timeout, what);
        if (done) return;
        yield value.bytes;
      }
    } finally {
      over.abort();
      await pieces.return();
    }
  }
}

function streamOf(pieces: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

/** Converts an error of the clients. Errors of replicas are returned unchanged. */
function asOwn(error: unknown, what: string): unknown {
  return error instanceof Error && error.name === 'ReplicaError' ? error : natsError(error, what);
}

/** @throws ReplicaError `unavailable` if a promise is not settled after `ms` milliseconds */
async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(replicaError('unavailable', `cannot ${what}: no answer in ${ms} ms`)),
      ms,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } catch (error) {
    throw asOwn(error, what);
  } finally {
    clearTimeout(timer);
  }
}
