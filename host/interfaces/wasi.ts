/**
 * WASI for one component. Every component has streams, clocks, random bytes and an empty environment. The output of a
 * component goes to standard error, with its name in front. Folders, environment variables and the network must be
 * granted.
 */

import { bytesAsText } from '../changeset/text.js';
import { platform } from '../core/platform.js';
import type { Client } from './client.js';
import {
  InputStream,
  IoError,
  MarkedLines,
  monotonicClock,
  OutputStream,
  poll,
  random,
  wallClock,
} from './wasi-io.js';
import { noFiles, type WasiNetwork, wasiPlatform } from './wasi-platform.js';

/** The names of the interfaces that need no grant, without version. */
const free: ReadonlySet<string> = new Set(
  (
    'io/error io/poll io/streams cli/stdin cli/stdout cli/stderr cli/terminal-input cli/terminal-output ' +
    'cli/terminal-stdin cli/terminal-stdout cli/terminal-stderr cli/environment cli/exit ' +
    'clocks/monotonic-clock clocks/wall-clock random/random random/insecure random/insecure-seed ' +
    'filesystem/preopens'
  ).split(' '),
);

/**
 * The descriptor functions that C libraries import to support standard streams. A component that imports only these
 * does not use files, because it never gets a descriptor.
 */
const harmless: ReadonlySet<string> = new Set(
  'stat get-type get-flags read-via-stream write-via-stream append-via-stream'.split(' '),
);

const networks = /^(?:sockets|http)\//;

/** The grant that an interface of WASI needs. `unknown` means that the interface does not exist. */
export type WasiNeed = 'nothing' | 'fs' | 'net' | 'unknown';

/**
 * @param name an import, such as `wasi:filesystem/types@0.2.6`
 * @param component the component's bytes, which contain the names of the imported descriptor functions
 */
export function wasiNeed(name: string, component: Uint8Array): WasiNeed {
  const [, path = '', version = ''] = /^wasi:([^@]*)@?(.*)$/.exec(name) ?? [];
  if (!/^0\.2\.\d+$/.test(version)) return 'unknown';
  if (free.has(path)) return 'nothing';
  if (networks.test(path)) return 'net';
  if (path !== 'filesystem/types') return 'unknown';
  const text = bytesAsText(component, 0, component.length);
  const wanted = [...text.matchAll(/\[method\]descriptor\.([a-z-]+)/g)].map(([, method = '']) => method);
  return wanted.every((method) => harmless.has(method)) ? 'nothing' : 'fs';
}

/** The functions of the WASI interfaces `names`, which must have been granted. */
export function wasiFor(names: readonly string[], client: Client): Record<string, object> {
  const used = client.grants.net ? wasiPlatform().network() : undefined;
  const all = interfaces(used, client);
  const found: Record<string, object> = {};
  for (const name of names) {
    const made = all[name.replace(/@.*$/, '')];
    if (!made) throw new Error(`${name} is unavailable here`);
    found[name] = made;
  }
  return found;
}

function interfaces(
  used: WasiNetwork | undefined,
  { owner, grants, name: mark }: Client,
): Record<string, object> {
  const { connection } = owner;
  const network = grants.net ? used?.network() : undefined;
  // jco requires instances of exactly the stream classes that it is given. The shim's sockets use the shim's classes.
  const io =
    network && used ? used.io : { streams: { InputStream, OutputStream }, poll, error: { Error: IoError } };
  const subscribe = network && used ? () => used.clocks.monotonicClock.subscribeDuration(0n) : undefined;
  const clocks = network && used ? { ...monotonicClock, ...later(used) } : monotonicClock;
  const lines = new MarkedLines(mark);
  connection.onClose(() => lines.end());
  const output = new OutputStream();
  output.write = (bytes) => lines.add(bytes);
  const adapt = (stream: InputStream | OutputStream): object => {
    const base = stream instanceof InputStream ? io.streams.InputStream : io.streams.OutputStream;
    return stream instanceof base ? stream : Object.assign(new base(), boundMethods(stream), { subscribe });
  };
  const stdout = adapt(output);
  const stdin = adapt(new InputStream());
  const files = grants.fs.length > 0 ? wasiPlatform().files(grants.fs, adapt) : noFiles();
  connection.onClose(files.close);
  if (!owner.isUser) owner.onEnd(files.close);
  const exit = (): never => {
    throw new Error('the component called exit');
  };
  const variables = grants.env.flatMap((name): [string, string][] => {
    const value = platform().variable(name);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...network,
    'wasi:io/error': io.error,
    'wasi:io/poll': io.poll,
    'wasi:io/streams': io.streams,
    'wasi:cli/stdin': { getStdin: () => stdin },
    'wasi:cli/stdout': { getStdout: () => stdout },
    'wasi:cli/stderr': { getStderr: () => stdout },
    'wasi:cli/terminal-input': { TerminalInput: class TerminalInput {} },
    'wasi:cli/terminal-output': { TerminalOutput: class TerminalOutput {} },
    'wasi:cli/terminal-stdin': { getTerminalStdin: () => undefined },
    'wasi:cli/terminal-stdout': { getTerminalStdout: () => undefined },
    'wasi:cli/terminal-stderr': { getTerminalStderr: () => undefined },
    'wasi:cli/environment': {
      getEnvironment: () => variables,
      getArguments: () => [],
      initialCwd: () => undefined,
    },
    'wasi:cli/exit': { exit, exitWithCode: exit },
    'wasi:clocks/monotonic-clock': clocks,
    'wasi:clocks/wall-clock': wallClock,
    'wasi:random/random': random.random,
    'wasi:random/insecure': random.insecure,
    'wasi:random/insecure-seed': random.insecureSeed,
    'wasi:filesystem/types': files.types,
    'wasi:filesystem/preopens': files.preopens,
  };
}

/** The methods of an object, including those of its classes, bound to the object. */
function boundMethods(object: object): Record<string, unknown> {
  const methods: Record<string, unknown> = {};
  for (let at = object; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const method: unknown = Reflect.get(object, name);
      if (name !== 'constructor' && typeof method === 'function') methods[name] = method.bind(object);
    }
  }
  return methods;
}

/** The clock functions that return a pollable for the shim's poll. */
function later({ clocks }: WasiNetwork): object {
  const now = monotonicClock.now;
  return {
    subscribeInstant: (when: bigint) =>
      clocks.monotonicClock.subscribeDuration(when > now() ? when - now() : 0n),
    subscribeDuration: (duration: bigint) => clocks.monotonicClock.subscribeDuration(duration),
  };
}
