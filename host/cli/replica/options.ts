/** The options that say which database, and which history. */

import { readFileSync } from 'node:fs';
import { type Log, type MessageLimits, natsLog } from '../../replica/index.js';
import { wrongAddress } from '../../replica/nats-connection.js';
import type { Given, Option } from '../command.js';
import { milliseconds } from '../daemon/command.js';
import { CommandError, exitCodes, reason, usageError } from '../exit.js';

export const databaseOption: Option = { value: 'FILE', required: true, help: 'the database of this copy' };

/** Where the history is. */
export const serverOptions: Readonly<Record<string, Option>> = {
  server: {
    value: 'nats://HOST',
    hints: ['local', 'nats://'],
    multiple: true,
    help: 'the NATS server, or local: one that this command starts beside the database',
  },
  name: { value: 'NAME', help: 'the name of the history: letters, digits, - and _' },
  creds: { value: 'FILE', help: 'credentials, as nsc writes them' },
  user: { value: 'NAME', help: 'a user; SQLITE_WASM_RUN_NATS_PASSWORD has the password' },
  'tls-ca': { value: 'FILE', help: 'the certificate of the authority that signed the server' },
  'tls-cert': { value: 'FILE', help: 'a certificate of our own' },
  'tls-key': { value: 'FILE', help: 'its key' },
};

/** The same if they cannot be left out. */
export const neededServerOptions: typeof serverOptions = {
  ...serverOptions,
  ...Object.fromEntries(
    ['server', 'name'].map((name) => [name, { ...serverOptions[name], required: true } as Option]),
  ),
};

/** What a message may cost. @throws CommandError for what is not a number above 0 */
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

/** The history that the options name. @throws CommandError for what natsLog() refuses, and files that cannot be read */
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
