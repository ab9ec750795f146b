import { once } from 'node:events';
import { writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { Spool } from '../../core/spool.js';
import { reason } from '../exit.js';
import { frameHead, largestAnswer } from './protocol.js';

export class Client {
  readonly number: number;
  readonly socket: Socket;
  /** Whether the client sends frames; undefined before its first byte. */
  frames: boolean | undefined;
  /** Whether the client has closed its side, but may still wait for answers. */
  ended = false;
  /** Why the client's transaction was rolled back; undefined after the reason has been sent to the client. */
  lost: string | undefined;
  /** Whether the client has unread answers. */
  isBehind = false;
  readonly #caughtUp: () => void;

  /** @param caughtUp called when the client has read all answers */
  constructor(number: number, socket: Socket, caughtUp: () => void) {
    this.number = number;
    this.socket = socket;
    this.#caughtUp = caughtUp;
  }

  /** Sends an answer. The daemon reads nothing from a client with unread answers. */
  send(data: string | Uint8Array): void {
    if (!this.socket.destroyed && !this.socket.write(data)) void this.#waitUntilRead([]);
  }

  /** Sends the result of a statement. @param spool the rows; the client disposes of the spool */
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
   * Whether the client still exists. A client that has only closed its side still exists. The check sends zero bytes,
   * which the client does not notice.
   */
  isThere(): boolean {
    if (this.socket.destroyed) return false;
    // On systems with descriptors, a socket has one.
    const { fd } = (this.socket as unknown as { _handle?: { fd?: number } })._handle ?? {};
    if (fd === undefined || fd < 0) return true;
    try {
      writeSync(fd, new Uint8Array(0));
      return true;
    } catch (error) {
      return !['EPIPE', 'ECONNRESET', 'EBADF'].includes((error as NodeJS.ErrnoException).code ?? '');
    }
  }

  /** Sends the pieces at the pace at which the client reads them. */
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
        // Copy the piece, because it is valid only until the next one is read.
        socket.write(Uint8Array.from(piece));
        await drained();
      }
    } catch (error) {
      socket.destroy(error as Error); // the rest of the answer is lost
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
 * The answer to a statement, while its rows arrive. Lines are sent immediately if the client reads them. A frame begins
 * with its length, so its rows are collected first. Rows that cannot be sent yet are buffered in memory and then in a
 * file, so that other clients do not wait for a slow one.
 */
export class Answer {
  readonly #client: Client;
  readonly #spool = new Spool();
  /** Why rows could not be buffered. */
  #failure: string | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Sends or buffers rows. @returns false if that failed */
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

  /** Why rows could not be buffered; undefined if they could. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Sends the rest of an answer in lines. */
  endLines(last: string): void {
    this.#client.sendAll(new Uint8Array(0), this.#spool, Buffer.from(last));
  }

  /** Sends an answer in a frame: the rows between two pieces of JSON. @returns false if the frame would be too long */
  endFrame(before: string, after: string): boolean {
    const [head, tail] = [Buffer.from(before), Buffer.from(after)];
    const length = head.length + this.#spool.size + tail.length;
    if (length > largestAnswer) return false;
    this.#client.sendAll(Buffer.concat([frameHead(length), head]), this.#spool, tail);
    return true;
  }

  /** Discards the rows that are not sent yet, and sends `data` instead. */
  endOtherwise(data: string | Uint8Array): void {
    this.#spool[Symbol.dispose]();
    this.#client.send(data);
  }
}
