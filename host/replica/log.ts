/**
 * The interface of a log. A log stores messages in one order, and objects. A message is stored only if it follows the
 * last message that its writer has read. {@link natsLog} implements the interface with NATS JetStream. Tests use a log
 * in memory.
 */

/** A stored message. */
export interface LogMessage {
  /** The sequence number in the log, from 1. */
  readonly sequence: number;
  /** Valid until the next message is read. */
  readonly bytes: Uint8Array;
}

/** The state of a log. */
export interface LogState {
  /** The UUID of the log. A log that is deleted and created again has another UUID. */
  readonly identity: string;
  /** What a new copy begins with: an empty database or a snapshot. */
  readonly origin: 'empty' | 'snapshot';
  /** The sequence number of the first stored message; if there is none, of the next message. */
  readonly first: number;
  /** The sequence number of the last message ever stored. */
  readonly last: number;
}

/** An object in the store of a log. */
export interface LogObject {
  readonly name: string;
  /** The size in bytes. */
  readonly size: number;
  /** When the object was stored, in ms since 1970, by its writer's clock. */
  readonly time: number;
  /** The metadata of the object. */
  readonly about: Readonly<Record<string, string>>;
}

/**
 * A log. All methods can throw {@link ReplicaError} with the reasons `unavailable`, `denied` and `missing`, and with
 * the reasons that the method names.
 */
export interface Log {
  /** The name of the log for error messages, without credentials. */
  readonly name: string;

  /** Creates the log unless it exists. Returns whether this call created it. */
  create(identity: string, origin: LogState['origin']): Promise<boolean>;

  /** Reads the state from the server. */
  state(): Promise<LogState>;

  /** The maximum size of a message in bytes. Larger changes are stored as objects. */
  maxMessage(): Promise<number>;

  /** Reads one message; undefined if it does not exist. */
  message(sequence: number): Promise<Uint8Array | undefined>;

  /**
   * Stores a message if `expected` is the sequence number of the last message. Returns the new sequence number.
   *
   * @throws ReplicaError `conflict` if the last message has another sequence number; `unknown` if the answer was lost;
   *   `full`
   */
  publish(bytes: Uint8Array, expected: number): Promise<number>;

  /**
   * Reads the messages from a sequence number on, and waits for new messages. Ends when `signal` aborts.
   *
   * @throws ReplicaError `unavailable` if the server is silent for a second, heartbeats included
   */
  follow(from: number, signal: AbortSignal): AsyncIterable<LogMessage>;

  /** Stores an object, replacing one of the same name. @throws ReplicaError `full` */
  put(name: string, about: LogObject['about'], pieces: AsyncIterable<Uint8Array>): Promise<void>;

  /** Reads an object in pieces; undefined if it does not exist. */
  get(name: string): Promise<AsyncIterable<Uint8Array> | undefined>;

  /** The objects whose names begin with `prefix`. */
  objects(prefix: string): Promise<LogObject[]>;

  /** Removes an object. Does nothing if it does not exist. */
  remove(name: string): Promise<void>;

  /** Removes the messages before a sequence number. */
  trim(first: number): Promise<void>;

  /** Closes the connection. Can be called more than once. */
  close(): Promise<void>;
}
