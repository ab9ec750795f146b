/** One client of the daemon: what it sends, and how it is sent answers. */

import { once } from 'node:events';
import { writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { Spool } from '../../core/spool.js';
import { reason } from '../exit.js';
import { frameHead, largestAnswer } from './protocol.js';

export class Client {
  readonly number: number;
  readonly socket: Socket;
  /** Whether it sends frames; undefined before its first byte. */
  frames: boolean | undefined;
  /** It sends nothing more, but waits for its answers. */
  ended = false;
  /** Why its transaction was rolled back, until the client has been told. */
  lost: string | undefined;
  /** Whether answers are waiting for it to read them. */
  isBehind = false;
  readonly #caughtUp: () => void;

  /** @param caughtUp called when it has read everything that was sent */
  constructor(number: number, socket: Socket, caughtUp: () => void) {
    this.number = number;
    this.socket = socket;
    this.#caughtUp = caughtUp;
  }

  /** Sends an answer. A client that does not read its answers is not listened to meanwhile. */
  send(data: string | Uint8Array): void {
    if (!this.socket.destroyed && !this.socket.write(data)) void this.#waitUntilRead([]);
  }

  /** Sends the result of a statement. @param spool becomes the client's */
  sendAll(head: Uint8Array, spool: Spool, tail: Uint8Array): void {
    const { socket } = this;
    if (socket.destroyed || (spool.size === 0 && !socket.writableNeedDrain)) {
      spool[Symbol.dispose]();
      if (!socket.destroyed) this.send(head.length > 0 ? Buffer.concat([head, tail]) : tail);
      return;
    }
    void this.#waitUntilRead(joined(head, spool, tail), spool);
  }

  /**
   * Whether it still exists: a client that only closed its own side does, one that is gone does not. Sending zero bytes
   * tells, and the other end does not notice.
   */
  isThere(): boolean {
    if (this.socket.destroyed) return false;
    // Sockets have a descriptor if the system has any.
    const { fd } = (this.socket as unknown as { _handle?: { fd?: number } })._handle ?? {};
    if (fd === undefined || fd < 0) return true;
    try {
      writeSync(fd, new Uint8Array(0));
      return true;
    } catch (error) {
      return !['EPIPE', 'ECONNRESET', 'EBADF'].includes((error as NodeJS.ErrnoException).code ?? '');
    }
  }

  /** Sends the pieces as they are read. */
  async #waitUntilRead(pieces: Iterable<Uint8Array>, spool?: Spool): Promise<void> {
    this.isBehind = true;
    const { socket } = this;
    socket.pause();
    try {
      const closed = once(socket, 'close');
      const drained = async (): Promise<void> => {
        if (socket.writableNeedDrain && !socket.destroyed)
          await Promise.race([once(socket, 'drain'), closed]);
      };
      await drained();
      for (const piece of pieces) {
        if (socket.destroyed) return;
        // A piece is valid until the next one.
        socket.write(Uint8Array.from(piece));
        await drained();
      }
    } catch (error) {
      socket.destroy(error as Error); // the answer cannot be read again: it is cut off
    } finally {
      spool?.[Symbol.dispose]();
      this.isBehind = false;
      if (!socket.destroyed) socket.resume();
      this.#caughtUp();
    }
  }
}

function* joined(head: Uint8Array, spool: Spool, tail: Uint8Array): Generator<Uint8Array, void, void> {
  if (head.length > 0) yield head;
  yield* spool;
  if (tail.length > 0) yield tail;
}

/**
 * The answer to one statement while it comes. Lines are sent at once as long as they are read; a frame says its length
 * first. What cannot be sent yet is buffered, eventually in a file, so that nobody waits for a slow client.
 */
export class Answer {
  readonly #client: Client;
  readonly #spool = new Spool();
  /** Why the rest is not kept. */
  #failure: string | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Some rows. @returns false if they cannot be kept */
  take(bytes: Uint8Array): boolean {
    const { socket, frames } = this.#client;
    if (this.#failure !== undefined || socket.destroyed) return false;
    if (!frames && this.#spool.size === 0 && !socket.writableNeedDrain) {
      socket.write(bytes);
      return true;
    }
    try {
      this.#spool.add(bytes);
      return true;
    } catch (error) {
      this.#failure = `cannot buffer the answer until it is read: ${reason(error)}`;
      return false;
    }
  }

  /** Why rows could not be kept. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Sends the rest of an answer in lines. */
  endLines(last: string): void {
    this.#client.sendAll(new Uint8Array(0), this.#spool, Buffer.from(last));
  }

  /** Sends an answer in a frame: the rows between two pieces of JSON. @returns false if it is too long */
  endFrame(before: string, after: string): boolean {
    const [head, tail] = [Buffer.from(before), Buffer.from(after)];
    const length = head.length + this.#spool.size + tail.length;
    if (length > largestAnswer) return false;
    this.#client.sendAll(Buffer.concat([frameHead(length), head]), this.#spool, tail);
    return true;
  }

  /** Sends something else in place of what was not sent yet. */
  endOtherwise(data: string | Uint8Array): void {
    this.#spool[Symbol.dispose]();
    this.#client.send(data);
  }
}
