/** The shell on a terminal. The main thread edits whole statements, and the shell runs in a worker thread. */

import { EventEmitter } from 'node:events';
import { createInterface, emitKeypressEvents, type Interface, type Key } from 'node:readline';
import { Readable } from 'node:stream';
import { completeCommand } from './dot-commands.js';
import { History } from './history.js';
import type { FromShell, ToShell } from './messages.js';
import type { OwnOptions } from './options.js';
import { programName } from './shell.js';
import { StatementReader } from './statement.js';
import { Supervisor } from './supervisor.js';

/** Runs the shell on a terminal. Returns the exit code. */
export async function runOnTerminal(options: { args: readonly string[]; own: OwnOptions }): Promise<number> {
  const editor = new StatementEditor((message) => supervisor.send(message));
  process.on('exit', () => editor.restore());
  process.on('SIGINT', () => {
    if (editor.discard() || supervisor.commandRuns) return;
    // The shell itself exits at the second Ctrl-C that it notices. Exit here if it notices none.
    if (!supervisor.interrupt('a statement was interrupted by Ctrl-C')) process.exit(1);
  });
  let finish: (code: number) => void;
  const finished = new Promise<number>((resolve) => {
    finish = resolve;
  });
  const supervisor: Supervisor = new Supervisor({
    own: options.own,
    edited: true,
    heard(message) {
      switch (message.kind) {
        case 'read':
          supervisor.settled();
          editor.read(message);
          break;
        case 'candidates':
          editor.offer(message.lines);
          break;
        case 'history':
          editor.history.load(message.file);
          break;
        case 'exit':
          finish(message.code);
      }
    },
    lost(why) {
      process.stderr.write(`\n${programName}: ${why}\n`);
      if (!editor.used)
        finish(1); // the statements in the arguments must not run again
      else supervisor.start(editor.argumentsAgain(options.args));
    },
    failed(error) {
      editor.restore();
      console.error(error);
      finish(1);
    },
  });
  supervisor.start(options.args);
  process.exit(await finished);
}

/** The members of readline's Interface that {@link show} sets. They are documented only as readable. */
interface EditedLine {
  line: string;
  cursor: number;
}

/** The first three characters of the shell's continuation prompt. */
const openPrefix = /^(?:\(x\d|\(\.\.|\)x!|['"`\]] {2}|\/\* )/;
const lineEnd = /\r?\n|\r/;

/**
 * Passes keys to readline, which edits the line. This class keeps a history of statements, keeps keys typed ahead for
 * the next prompt, and handles Ctrl-C before a statement is complete.
 */
class StatementEditor {
  readonly history = new History();
  readonly #send: (message: ToShell) => void;
  readonly #keys = new EventEmitter();
  #readline: Interface | undefined;
  /** Keys that are not processed yet. */
  #ahead: string[] = [];
  #pasting = false;
  #reading = false;
  #discarding = false;
  #completing: ((lines: readonly string[]) => void) | undefined;
  #statement = new StatementReader();
  #prompt = '';
  #directory = '.';
  #continuation = '   ...> ';
  /** The last command that opened a database, and the command with which a new shell begins. */
  #opened: string | undefined;
  #reopen: string | undefined;

  constructor(send: (message: ToShell) => void) {
    this.#send = send;
  }

  /** Whether the shell has ever asked for a line. */
  get used(): boolean {
    return this.#readline !== undefined;
  }

  /** The arguments to start the shell again, without commands, because these have run already. */
  argumentsAgain(args: readonly string[]): string[] {
    this.#reopen = this.#opened;
    return args.filter((arg, index) => !isCommand(arg) && !(index > 0 && isCommand(args[index - 1] ?? '')));
  }

  read({ prompt, continuations, directory }: Extract<FromShell, { kind: 'read' }>): void {
    this.#directory = directory;
    const again = this.#reopen;
    this.#reopen = undefined;
    if (again !== undefined) {
      this.#send({ kind: 'lines', lines: [again], end: false });
      return;
    }
    for (const seen of continuations) {
      this.#continuation = (openPrefix.test(seen) ? this.#continuation : seen).slice(0, 3) + seen.slice(3);
    }
    const readline = this.#open();
    this.#prompt = prompt;
    this.#reading = true;
    process.stdin.setRawMode(true);
    process.stdin.resume();
    readline.setPrompt(prompt);
    readline.prompt();
    this.#typeAhead();
  }

  /** Receives the shell's candidates for the completed line. */
  offer(lines: readonly string[]): void {
    this.#completing?.(lines);
  }

  /** Drops the statement that the user is typing. Returns whether that was possible. */
  discard(): boolean {
    if (!this.#reading || !this.#readline) return false;
    this.#discarding = true;
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write('^C');
    this.#readline.write(null, { name: 'return' });
    this.#discarding = false;
    return true;
  }

  restore(): void {
    this.#reading = false;
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
  }

  #open(): Interface {
    if (this.#readline) return this.#readline;
    // Readline needs a stream whose raw mode it can set (on Ctrl-Z). Keys reach readline only through `write`.
    const input = Object.assign(new Readable({ read() {} }), {
      setRawMode: (mode: boolean) => process.stdin.setRawMode(mode),
    });
    const readline = createInterface({
      input,
      output: process.stdout,
      terminal: true,
      historySize: 0,
      tabSize: 8,
      completer: (line: string, done: (error: null, found: [string[], string]) => void) =>
        this.#complete(line, (found) => done(null, found)),
    });
    readline.on('line', (line) => this.#lineTyped(line));
    this.#readline = readline;

    emitKeypressEvents(this.#keys as unknown as NodeJS.ReadableStream);
    this.#keys.on('keypress', (text: string | undefined, key: Key) => this.#keyPressed(readline, text, key));
    process.stdin.setEncoding('utf8');
    process.stdin.on('data', (text: string) => {
      this.#pasting = text.length > 1 && lineEnd.test(text.slice(0, -1));
      this.#ahead.push(...text);
      this.#typeAhead();
    });
    process.stdin.on('end', () => this.#hand(true));
    return readline;
  }

  #typeAhead(): void {
    while (this.#reading && !this.#completing) {
      const next = this.#ahead.shift();
      if (next === undefined) return;
      this.#keys.emit('data', Buffer.from(next));
    }
  }

  #keyPressed(readline: Interface, text: string | undefined, key: Key): void {
    if (key.ctrl && key.name === 'c') {
      this.discard();
    } else if (key.ctrl && key.name === 'd' && readline.line === '') {
      this.#hand(true);
    } else if (key.name === 'up' || (key.ctrl && key.name === 'p')) {
      this.#recall(readline, -1);
    } else if (key.name === 'down' || (key.ctrl && key.name === 'n')) {
      this.#recall(readline, 1);
    } else if (key.name === 'tab' && this.#pasting) {
      readline.write('\t');
    } else {
      readline.write(text as string, key);
    }
  }

  #recall(readline: Interface, step: number): void {
    const entry = this.history.move(step, readline.line);
    if (entry === undefined) return;
    // Move to the end first, so that readline clears all screen rows of the old text.
    readline.write(null, { ctrl: true, name: 'e' });
    const buffer = readline as unknown as EditedLine;
    buffer.line = entry;
    buffer.cursor = entry.length;
    readline.prompt(true);
  }

  #complete(line: string, done: (found: [string[], string]) => void): void {
    this.#completing = (lines) => {
      const [word = ''] = /\w*$/.exec(line) ?? [];
      const start = line.length - word.length;
      finish([lines.map((candidate) => candidate.slice(start)), word]);
    };
    const finish = (found: [string[], string]): void => {
      done(found);
      // Readline inserts the answer in the next turn of the event loop, so process the next keys after that.
      setImmediate(() => {
        this.#completing = undefined;
        this.#typeAhead();
      });
    };
    if (this.#statement.empty && line.startsWith('.')) finish(completeCommand(line, this.#directory));
    else this.#send({ kind: 'complete', line: line.slice(line.lastIndexOf('\n') + 1) });
  }

  #lineTyped(text: string): void {
    if (this.#discarding) {
      this.#statement = new StatementReader();
      this.history.rewind();
      this.#readline?.setPrompt(this.#prompt);
      this.#readline?.prompt();
      return;
    }
    // A statement from the history is one text of several lines.
    let whole = false;
    for (const line of text.split('\n')) whole = this.#statement.add(line);
    if (whole) {
      this.#hand(false);
      return;
    }
    this.#readline?.setPrompt(this.#statement.prompt(this.#continuation));
    this.#readline?.prompt();
  }

  /** Sends the typed lines to the shell. */
  #hand(end: boolean): void {
    if (!this.#reading) return;
    this.#reading = false;
    process.stdin.pause();
    process.stdin.setRawMode(false);
    const { lines, input } = this.#statement;
    const [first = ''] = lines;
    if (/^\.open\s/.test(first)) this.#opened = first.replace(/\s-{1,2}new\b/, '');
    this.#statement = new StatementReader();
    this.history.add(lines.join('\n'));
    this.history.rewind();
    this.#send({ kind: 'lines', lines: input, end });
  }
}

/** Whether the argument is `-cmd`, so that the next argument is a command. */
function isCommand(arg: string): boolean {
  return arg === '-cmd' || arg === '--cmd';
}
