/** Messages that came and are not taken yet: not more than fit in some memory. */

import { replicaError } from './errors.js';
import type { Log, LogMessage } from './log.js';

/** Above this many bytes, no more messages are read until some are taken. */
const capacity = 2 ** 24;

/** Follows a log from a sequence on. */
export class Inbox {
  readonly #abort = new AbortController();
  readonly #changed: () => void;
  #messages: LogMessage[] = [];
  #bytes = 0;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;
  #room: (() => void) | undefined;
  readonly #pump: Promise<void>;

  /** @param changed called when a message came, or the log failed */
  constructor(log: Log, from: number, changed: () => void) {
    this.#changed = changed;
    this.#pump = this.#read(log, from);
  }

  /** The error of the log; undefined until all messages before it are taken. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#messages.length === 0 ? this.#failure : undefined;
  }

  /** How many messages are there. */
  get count(): number {
    return this.#messages.length;
  }

  /** Takes the next messages, some MiB of them at most, and one at least if there is any. */
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

  /** Ends it. */
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
