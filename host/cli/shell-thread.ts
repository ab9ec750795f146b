/** The shell's thread on a terminal. It blocks while the shell waits for input. */

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Core } from '../core/core.js';
import type { Terminal } from '../core/host-services.js';
import { shown } from '../core/shown.js';
import { clock, type FromShell, type ToShell, Word, type WorkerInput } from './messages.js';
import { processTerminal, runCommand } from './process-terminal.js';
import { runShell } from './shell.js';
import { shellFiles } from './shell-files.js';

if (!parentPort) throw new Error('must run in a worker');
const port = parentPort;
const { args, own, shared, edited } = workerData as WorkerInput;

const tell = (message: FromShell): void => port.postMessage(message);

function answer(): ToShell {
  for (;;) {
    const seen = Atomics.load(shared, Word.wake);
    const received = receiveMessageOnPort(port) as { message: ToShell } | undefined;
    if (received) return received.message;
    Atomics.wait(shared, Word.wake, seen);
  }
}

let core: Core | undefined;
let candidates: string[] = [];
let lines: string[] = [];
let ended = false;
let continuations: string[] = [];
/** Whether the shell has received a Ctrl-C since it last read a line. */
let hasInterrupt = false;
/** Whether the shell has read a line, and is not only running its arguments. */
let reads = false;

const columns = (): number => Atomics.load(shared, Word.columns);

function complete(line: string): void {
  candidates = [];
  if (core) {
    using arena = core.memory.arena();
    core.c.bridge_complete(arena.cString(line));
  }
  tell({ kind: 'candidates', lines: candidates });
}

const editing: Terminal = {
  files: shellFiles,
  readLine(prompt, directory) {
    reads = true;
    if (lines.length > 0) continuations.push(prompt);
    while (lines.length === 0) {
      if (ended) {
        if (!hasInterrupt) return null;
        // After a Ctrl-C, the shell would treat an end of input as the echo of the interrupt, and ask again forever.
        hasInterrupt = false;
        return '';
      }
      tell({ kind: 'read', prompt, continuations, directory });
      continuations = [];
      let message = answer();
      while (message.kind === 'complete') {
        complete(message.line);
        message = answer();
      }
      lines = [...message.lines];
      ended = message.end;
    }
    hasInterrupt = false;
    return lines.shift() ?? null;
  },
  // The main thread keeps the history and writes its file.
  addHistory() {},
  saveHistory() {},
  stifleHistory() {},
  loadHistory(file) {
    tell({ kind: 'history', file });
  },
  addCompletion(line) {
    if (shown(line) !== line) return; // skip names with control characters
    candidates.push(line);
  },
  columns,
  system(command, streams) {
    Atomics.store(shared, Word.command, 1);
    try {
      return runCommand(command, streams);
    } finally {
      Atomics.store(shared, Word.command, 0);
    }
  },
};

// Wait until the module has been evaluated, because Node 22 and later crash if a thread is terminated during the
// evaluation.
setImmediate(() => {
  const code = runShell({
    args,
    own,
    terminal: edited ? editing : { ...processTerminal(), columns },
    muted: () => edited && hasInterrupt,
    statement(running, loads) {
      // For SQL in the arguments, show the output of the statements after an interrupted one.
      if (running && !reads) hasInterrupt = false;
      Atomics.store(shared, Word.loading, Number(loads));
      Atomics.store(shared, Word.started, running ? clock() : 0);
    },
    interrupted() {
      if (Atomics.exchange(shared, Word.interrupt, 0) === 0) return false;
      hasInterrupt = true;
      return true;
    },
    started(running) {
      core = running;
    },
  });
  tell({ kind: 'exit', code });
});
