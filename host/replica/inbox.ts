/** Buffers messages of a log until they are taken, up to a limit. */

import { replicaError } from './errors.js';
import type { Log, LogMessage } from './log.js';

/** If the buffer holds more than this many bytes, reading pauses until messages are taken. */
const capacity = 2 ** 24;

/** Reads a log from a sequence number on. */
export class Inbox {
  readonly #abort = new AbortController();
  readonly #changed: () => void;
  #messages: LogMessage[] = [];
  #bytes = 0;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;
  #room: (() => void) | undefined;
  readonly #pump: Promise<void>;

  /** @param changed called when a message has arrived or the log has failed */
  constructor(log: Log, from: number, changed: () => void) {
    this.#changed = changed;
    this.#pump = this.#read(log, from);
  }

  /** The error of the log; undefined until all messages that arrived before the error are taken. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#messages.length === 0 ? this.#failure : undefined;
  }

  get count(): number {
    return this.#messages.length;
  }

  /**
   * Removes and returns the next messages, at most `maxCount` messages and `maxBytes` bytes, but at least one message
   * if there is any.
   */
  take(maxCount: number, maxBytes: number): LogMessage[] {
    let count = 0;
    let bytes = 0;
    for (const message of this.#messages) {
      if (count > 0 && (count >= maxCount || bytes + message.bytes.length > maxBytes)) break;
      count += 1;
      bytes += message.bytes.length;
    }
    const taken = this.#messages.splice(0, count);
    this.#bytes -= bytes;
    if (this.#bytes < capacity) this.#room?.();
    return taken;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.#abort.abort();
    this.#room?.();
    await this.#pump;
  }

  async #read(log: Log, from: number): Promise<void> {
    try {
      for await (const { sequence, bytes } of log.follow(from, this.#abort.signal)) {
        if (this.#isOver) return;
        this.#messages.push({ sequence, bytes: bytes.slice() });
        this.#bytes += bytes.length;
        this.#changed();
        while (this.#bytes >= capacity && !this.#isOver) {
          await new Promise<void>((resolve) => {
            this.#room = resolve;
          });
        }
      }
      if (!this.#isOver) throw replicaError('unavailable', `${log.name} ended its messages`);
    } catch (error) {
      this.#failure = { error };
      this.#changed();
    }
  }
}
