/** The connection to a NATS server. It is made on first use, and made again after it has ended. */

import { readFile } from 'node:fs/promises';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { ObjectStore } from '@nats-io/obj';
import type { NatsConnection } from '@nats-io/transport-node';
import { shown } from '../core/shown.js';
import { replicaError } from './errors.js';
import { natsError } from './nats-errors.js';

/** The addresses of a NATS server, and how to log in. */
export interface NatsServer {
  /**
   * An address such as 'nats://localhost:4222', or the addresses of the servers of a cluster. 'tls://' instead of 'nats://'
   * requires TLS.
   */
  servers: string | readonly string[];
  /** The path of a credentials file written by `nsc`. */
  credentials?: string;
  user?: string;
  password?: string;
  token?: string;
  /** The paths of the certificate and key files. */
  tls?: { readonly ca?: string; readonly certificate?: string; readonly key?: string };
  /** The maximum time to wait for an answer, in ms: 2000 by default. */
  timeout?: number;
}

/** Why a text cannot be the address of a server; undefined if it can. */
export function wrongAddress(server: string): string | undefined {
  const [, scheme] = /^([^:/?#]*):\/\//.exec(server) ?? [];
  if (server !== '' && (scheme === undefined || /^(?:nats|tls)$/i.test(scheme))) return undefined;
  return `"${shownServer(server)}" is not the address of a NATS server, such as nats://HOST, nats://HOST:PORT or tls://HOST`;
}

const requiresTls = (server: string): boolean => /^tls:/i.test(server);

/** The address of a server for error messages, without credentials. */
const shownServer = (server: string): string => shown(server.replace(/^(\w+:\/\/)?[^@/]*@/, '$1'));

/** The NATS client packages. The user of this package must install them. */
interface Clients {
  readonly transport: typeof import('@nats-io/transport-node');
  readonly jetstream: typeof import('@nats-io/jetstream');
  readonly objects: typeof import('@nats-io/obj');
}

export interface Connected {
  readonly clients: Clients;
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
}

async function load(): Promise<Clients> {
  try {
    const [transport, jetstream, objects] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
      import('@nats-io/obj'),
    ]);
    return { transport, jetstream, objects };
  } catch (error) {
    throw replicaError(
      'no-client',
      'the NATS clients are not installed: npm install @nats-io/transport-node@3 @nats-io/jetstream@3 @nats-io/obj@3',
      error,
    );
  }
}

export class NatsLink {
  readonly #server: NatsServer;
  readonly timeout: number;
  #connected: Promise<Connected> | undefined;
  #store: Promise<ObjectStore> | undefined;
  #isLost = false;
  #isClosed = false;

  constructor(server: NatsServer) {
    this.#server = server;
    this.timeout = server.timeout ?? 2000;
  }

  /**
   * Returns the connection. Connects first if there is no connection.
   *
   * @throws ReplicaError `unavailable` if the server cannot be reached, or the connection is interrupted; `denied`,
   *   `no-client`
   */
  async get(): Promise<Connected> {
    if (this.#isClosed) throw replicaError('closed', 'the connection to the server was closed');
    if (this.#isLost) throw replicaError('unavailable', 'the connection to the server is interrupted');
    this.#connected ??= this.#connect();
    try {
      return await this.#connected;
    } catch (error) {
      this.#connected = undefined;
      throw error;
    }
  }

  /** Returns the object store of a name. Creates it if it does not exist. */
  async objects(bucket: string, replicas: number): Promise<ObjectStore> {
    const { clients, connection } = await this.get();
    this.#store ??= new clients.objects.Objm(connection).create(bucket, {
      storage: clients.objects.StorageType.File,
      replicas,
      description: 'snapshots and large changes of a replicated database',
    });
    try {
      return await this.#store;
    } catch (error) {
      this.#store = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const connected = await this.#connected?.catch(() => undefined);
    await connected?.connection.close();
  }

  async #connect(): Promise<Connected> {
    const clients = await load();
    const { user, password, token, credentials } = this.#server;
    const servers = [this.#server.servers].flat();
    const tls = this.#server.tls ?? (servers.some(requiresTls) ? {} : undefined);
    try {
      const connection = await clients.transport.connect({
        servers,
        timeout: this.timeout,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
        ...(user !== undefined && { user }),
        ...(password !== undefined && { pass: password }),
        ...(token !== undefined && { token }),
        ...(credentials !== undefined && {
          authenticator: clients.transport.credsAuthenticator(await readFile(credentials)),
        }),
        ...(tls && {
          tls: {
            ...(tls.ca !== undefined && { caFile: tls.ca }),
            ...(tls.certificate !== undefined && { certFile: tls.certificate }),
            ...(tls.key !== undefined && { keyFile: tls.key }),
          },
        }),
      });
      void this.#watch(connection);
      const options = { timeout: this.timeout };
      return {
        clients,
        connection,
        client: clients.jetstream.jetstream(connection, options),
        manager: await clients.jetstream.jetstreamManager(connection, { ...options, checkAPI: false }),
      };
    } catch (error) {
      throw natsError(error, `connect to ${servers.map(shownServer).join(', ')}`);
    }
  }

  /**
   * Tracks whether the connection is interrupted. Requests made meanwhile must fail, because the client would send them
   * after it has reconnected.
   */
  async #watch(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') this.#isLost = true;
      if (type === 'reconnect') this.#isLost = false;
    }
    this.#isLost = false;
    this.#connected = undefined;
    this.#store = undefined;
  }
}
