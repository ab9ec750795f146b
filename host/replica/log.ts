/**
 * What a replica needs of a log: messages in one order, each stored only if it follows the one that its writer saw, and
 * objects beside them. {@link natsLog} has it from NATS JetStream; tests have one in memory.
 */

/** A stored message. */
export interface LogMessage {
  /** Its place in the log, from 1. */
  readonly sequence: number;
  /** Valid until the next message is read. */
  readonly bytes: Uint8Array;
}

/** What a log says of itself. */
export interface LogState {
  /** A UUID made with the log: one that is made again has another. */
  readonly identity: string;
  /** Whether copies of it can begin empty, or only with a snapshot. */
  readonly origin: 'empty' | 'snapshot';
  /** The sequence of the first message that is still there; if there is none, that of the next one. */
  readonly first: number;
  /** The sequence of the last message ever stored. */
  readonly last: number;
}

/** An object in the store of a log. */
export interface LogObject {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** When it was stored, in ms since 1970, by the clock of its writer. */
  readonly time: number;
  /** What was stored with it. */
  readonly about: Readonly<Record<string, string>>;
}

/**
 * A log. All methods throw {@link ReplicaError} with one of the reasons `unavailable`, `denied`, `missing`, or those
 * named.
 */
export interface Log {
  /** Names the log in messages, without credentials. */
  readonly name: string;

  /** Makes the log unless it exists. Returns whether it was made here. */
  create(identity: string, origin: LogState['origin']): Promise<boolean>;

  /** Asks the server. */
  state(): Promise<LogState>;

  /** The largest message in bytes; larger ones become objects. */
  maxMessage(): Promise<number>;

  /** One message; undefined if it is not, or no longer, there. */
  message(sequence: number): Promise<Uint8Array | undefined>;

  /**
   * Stores a message if `expected` is the sequence of the last one. Returns its sequence.
   *
   * @throws ReplicaError `conflict` if it is not; `unknown` if the answer was lost; `full`
   */
  publish(bytes: Uint8Array, expected: number): Promise<number>;

  /**
   * The messages from a sequence on, those to come included. It ends when `signal` aborts.
   *
   * @throws ReplicaError `unavailable` if the server is silent for a second, heartbeats included
   */
  follow(from: number, signal: AbortSignal): AsyncIterable<LogMessage>;

  /** Stores an object, replacing one of the same name. @throws ReplicaError `full` */
  put(name: string, about: LogObject['about'], pieces: AsyncIterable<Uint8Array>): Promise<void>;

  /** An object in pieces; undefined if there is none. */
  get(name: string): Promise<AsyncIterable<Uint8Array> | undefined>;

  /** The objects whose names begin with `prefix`. */
  objects(prefix: string): Promise<LogObject[]>;

  /** Removes an object. Nothing happens if there is none. */
  remove(name: string): Promise<void>;

  /** Removes the messages before a sequence. */
  trim(first: number): Promise<void>;

  /** Ends its connection. Can be called more than once. */
  close(): Promise<void>;
}
