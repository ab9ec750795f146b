/** The options that select the database and the history. */

import { readFileSync } from 'node:fs';
import { type Log, type MessageLimits, natsLog } from '../../replica/index.js';
import { wrongAddress } from '../../replica/nats-connection.js';
import type { Given, Option } from '../command.js';
import { milliseconds } from '../daemon/command.js';
import { CommandError, exitCodes, reason, usageError } from '../exit.js';

export const databaseOption: Option = { value: 'FILE', required: true, help: 'the database of this copy' };

/** The options that select the history. */
export const serverOptions: Readonly<Record<string, Option>> = {
  server: {
    value: 'nats://HOST',
    hints: ['local', 'nats://'],
    multiple: true,
    help: 'the NATS server; local starts a server with its storage next to the database',
  },
  name: { value: 'NAME', help: 'the name of the history: letters, digits, - and _' },
  creds: { value: 'FILE', help: 'a credentials file written by nsc' },
  user: { value: 'NAME', help: 'the user; the password is in SQLITE_WASM_RUN_NATS_PASSWORD' },
  'tls-ca': { value: 'FILE', help: "the certificate of the authority that signed the server's certificate" },
  'tls-cert': { value: 'FILE', help: 'the client certificate' },
  'tls-key': { value: 'FILE', help: 'the key of the client certificate' },
};

/** The same options, with `--server` and `--name` required. */
export const neededServerOptions: typeof serverOptions = {
  ...serverOptions,
  ...Object.fromEntries(
    ['server', 'name'].map((name) => [name, { ...serverOptions[name], required: true } as Option]),
  ),
};

/** Parses the limits of a message. @throws CommandError if a limit is not a number above 0 */
export function limitsGiven(given: Given): MessageLimits {
  const numberOf = (name: string): number | undefined => {
    const text = given.text(name);
    if (text === undefined) return undefined;
    const number = Number(text);
    if (Number.isInteger(number) && number > 0 && number < 2 ** 31) return number;
    throw usageError(`--${name} takes a number from 1 to ${2 ** 31 - 1}, not "${text}"`);
  };
  const [bytes, rows] = [numberOf('max-bytes'), numberOf('max-rows')];
  const time = milliseconds(given, 'max-time');
  return {
    ...(bytes !== undefined && { bytes }),
    ...(rows !== undefined && { rows }),
    ...(time !== undefined && { milliseconds: Math.ceil(time) }),
  };
}

/** Makes the log that the options name. @throws CommandError if an option is invalid or a file cannot be read */
export function logOf(given: Given, servers: readonly string[]): Log {
  const name = given.text('name');
  if (servers.length === 0) throw usageError('--server nats://HOST is missing');
  if (name === undefined) throw usageError('--name NAME is missing');
  for (const server of servers) {
    const wrong = wrongAddress(server);
    if (wrong !== undefined) throw usageError(`--server: ${wrong}`);
  }
  for (const option of ['creds', 'tls-ca', 'tls-cert', 'tls-key']) checkFile(given, option);
  const [credentials, user, ca, certificate, key] = ['creds', 'user', 'tls-ca', 'tls-cert', 'tls-key'].map(
    (option) => given.text(option),
  );
  const password = process.env['SQLITE_WASM_RUN_NATS_PASSWORD'];
  try {
    return natsLog({
      servers,
      name,
      ...(credentials !== undefined && { credentials }),
      ...(user !== undefined && { user }),
      ...(user !== undefined && password !== undefined && { password }),
      ...([ca, certificate, key].some((file) => file !== undefined) && {
        tls: {
          ...(ca !== undefined && { ca }),
          ...(certificate !== undefined && { certificate }),
          ...(key !== undefined && { key }),
        },
      }),
    });
  } catch (error) {
    throw new CommandError(`--name ${name}: ${reason(error)}`, exitCodes.usage);
  }
}

function checkFile(given: Given, option: string): void {
  const path = given.text(option);
  if (path === undefined) return;
  try {
    readFileSync(path);
  } catch (error) {
    throw new CommandError(`cannot read ${path} (--${option}): ${reason(error)}`);
  }
}
