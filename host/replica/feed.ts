/** Reads the decoded transactions of a history, for example to update an index or a cache. A feed needs no database. */

import { setTimeout as pause } from 'node:timers/promises';
import { checkOptions } from '../kernel/arguments.js';
import { isReason } from './errors.js';
import { IncomingReader } from './incoming.js';
import { limitsOf, type MessageLimits } from './limits.js';
import type { Log } from './log.js';
import { digestOf, type Transaction } from './message.js';
import { comparePosition } from './position.js';

/**
 * A position in a history, from which a later feed can continue. Programs can store it as JSON, but should not depend
 * on its members.
 */
export interface FeedPosition {
  /** The identity of the history. */
  readonly history: string;
  /** The sequence number of the last message that was read. */
  readonly sequence: number;
  /** The id of the last message that was not void. */
  readonly head: string;
  /** The digest of the last message. */
  readonly mark: string;
}

/** A message of a history. */
export interface FeedMessage {
  /** The position after this message. */
  readonly position: FeedPosition;
  readonly sequence: number;
  /** The UUID of the copy that published the message. */
  readonly copy: string;
  /** When the message was published, in ms since 1970. */
  readonly time: number;
  /** The transactions in order. `changes()` of `sqlite-wasm-run/changeset` reads the changesets among their entries. */
  readonly transactions: readonly Transaction[];
}

/** The options of {@link feed}. */
export interface FeedOptions {
  /** The position of the last processed message. By default the feed begins with the first message. */
  from?: FeedPosition;
  /** Ends the feed. */
  signal?: AbortSignal;
  /** The limits of a message. `milliseconds` is ignored, because a feed applies nothing. */
  limits?: MessageLimits;
}

const longestPause = 5000;

/**
 * Reads the messages of a history in order, each once, and then waits for new messages. If the server does not answer,
 * the feed waits until the server does. The caller owns the log and must close it.
 *
 * @throws ReplicaError `recreated`, `restored`, `trimmed`, `forked`, `format`, `limit`, `denied`, `missing`
 * @throws TypeError for unknown options
 */
export async function* feed(log: Log, options: FeedOptions = {}): AsyncGenerator<FeedMessage, void, void> {
  checkOptions(options, { from: 'any', signal: 'any', limits: 'any' });
  const { signal = new AbortController().signal } = options;
  const limits = limitsOf(options.limits);
  let position = options.from;
  for (let failures = 0; !signal.aborted; ) {
    // Stops reading the log when the caller leaves its loop.
    const own = new AbortController();
    const end = (): void => own.abort();
    signal.addEventListener('abort', end);
    try {
      position ??= await beginning(log);
      await comparePosition(log, position);
      const reader = new IncomingReader(log, position.head, limits);
      for await (const stored of log.follow(position.sequence + 1, own.signal)) {
        failures = 0;
        const { sequence, message, transactions } = await reader.read({
          ...stored,
          bytes: stored.bytes.slice(),
        });
        position = {
          history: position.history,
          sequence,
          head: message?.id ?? position.head,
          mark: digestOf(stored.bytes),
        };
        if (!message) continue;
        yield { position, sequence, copy: message.copy, time: message.time, transactions };
      }
    } catch (error) {
      if (!isReason(error, 'unavailable')) throw error;
      failures += 1;
      await pause(Math.min(50 * 2 ** failures, longestPause), undefined, { signal }).catch(() => {});
    } finally {
      signal.removeEventListener('abort', end);
      own.abort();
    }
  }
}

async function beginning(log: Log): Promise<FeedPosition> {
  const { identity } = await log.state();
  return { history: identity, sequence: 0, head: identity, mark: '' };
}
