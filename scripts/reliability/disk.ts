/** Simulates a disk that loses power: which file data and which changes of names are kept. */

/** An operation that test/kit/file-log.mjs records. */
export type Operation =
  | { op: 'open'; file: number; path: string; made?: boolean }
  | { op: 'write'; file: number; at: number; data: string }
  | { op: 'truncate'; file: number; size: number }
  | { op: 'sync'; file: number }
  | { op: 'unlink'; path: string }
  | { op: 'rename'; path: string; to: string }
  | { op: 'sync-folder'; path: string }
  | { op: 'acknowledge'; text: string };

export interface Choice {
  /** Whether a sector that was not synced is kept. */
  keeps(): boolean;
  /** Whether a truncation or change of a name that was not synced is kept. Later changes have higher numbers. */
  keepsChange(number: number): boolean;
  /** The content of lost sectors at the end of a file that grew; `none` if the growth itself was lost. */
  readonly tail: 'none' | 'zeros' | 'garbage';
}

type Unsynced = { at: number; bytes: Buffer } | { size: number; number: number };

interface File {
  /** The path with which the file was opened. */
  readonly path: string;
  synced: Buffer;
  unsynced: Unsynced[];
}

type Renaming = ({ path: string; file: File } | { path: string; to?: string }) & { number: number };

const sector = 512;
/** Keeps everything. */
export const all: Choice = { keeps: () => true, keepsChange: () => true, tail: 'none' };
/** Keeps only synced data and names. */
export const nothing: Choice = { keeps: () => false, keepsChange: () => false, tail: 'none' };

export class Disk {
  readonly #folder: string;
  readonly #files = new Map<number, File>();
  /** The synced names, and the changes since. */
  #names: Map<string, File>;
  #renamings: Renaming[] = [];
  /** The names that the program sees. */
  #now: Map<string, File>;
  #changes = 0;
  readonly #forgets: (path: string) => boolean;

  /**
   * @param initial the existing files by path, all synced
   * @param forgets whether syncs of a file or folder have no effect, by path
   */
  constructor(
    folder: string,
    initial: ReadonlyMap<string, Buffer>,
    forgets: (path: string) => boolean = () => false,
  ) {
    this.#folder = folder;
    this.#forgets = forgets;
    this.#names = new Map([...initial].map(([path, synced]) => [path, { path, synced, unsynced: [] }]));
    this.#now = new Map(this.#names);
  }

  do(operation: Operation): void {
    switch (operation.op) {
      case 'open': {
        const { path, file: number, made } = operation;
        const file = (made ? undefined : this.#now.get(path)) ?? {
          path,
          synced: Buffer.alloc(0),
          unsynced: [],
        };
        if (!made && !this.#now.has(path)) throw new Error(`${path} did not exist`);
        this.#files.set(number, file);
        if (made) this.#rename({ path, file, number: ++this.#changes });
        break;
      }
      case 'write':
        this.#file(operation.file).unsynced.push({
          at: operation.at,
          bytes: Buffer.from(operation.data, 'base64'),
        });
        break;
      case 'truncate':
        this.#file(operation.file).unsynced.push({ size: operation.size, number: ++this.#changes });
        break;
      case 'sync': {
        const file = this.#file(operation.file);
        if (this.#forgets(file.path)) break;
        file.synced = contents(file, all, () => 0);
        file.unsynced = [];
        break;
      }
      case 'unlink':
        this.#rename({ path: operation.path, number: ++this.#changes });
        break;
      case 'rename':
        this.#rename({ path: operation.path, to: operation.to, number: ++this.#changes });
        break;
      case 'sync-folder':
        if (operation.path !== this.#folder || this.#forgets(operation.path)) break;
        this.#names = new Map(this.#now);
        this.#renamings = [];
        break;
      case 'acknowledge':
    }
  }

  /** The number of truncations and changes of names. */
  get changes(): number {
    return this.#changes;
  }

  /** The files after a loss of power, by path. */
  after(choice: Choice, random: (below: number) => number): Map<string, Buffer> {
    const names = new Map(this.#names);
    for (const renaming of this.#renamings) {
      if (choice.keepsChange(renaming.number)) rename(names, renaming);
    }
    return new Map([...names].sort().map(([path, file]) => [path, contents(file, choice, random)]));
  }

  #file(number: number): File {
    const file = this.#files.get(number);
    if (!file) throw new Error(`file ${number} is not open`);
    return file;
  }

  #rename(renaming: Renaming): void {
    this.#renamings.push(renaming);
    rename(this.#now, renaming);
  }
}

function rename(names: Map<string, File>, renaming: Renaming): void {
  if ('file' in renaming) {
    names.set(renaming.path, renaming.file);
    return;
  }
  const file = names.get(renaming.path);
  names.delete(renaming.path);
  if (renaming.to !== undefined && file) names.set(renaming.to, file);
}

function contents(
  file: File,
  { keeps, keepsChange, tail }: Choice,
  random: (below: number) => number,
): Buffer {
  const ends = file.unsynced.map((one) => ('size' in one ? one.size : one.at + one.bytes.length));
  const bytes = Buffer.alloc(Math.max(file.synced.length, ...ends));
  file.synced.copy(bytes);
  let size = file.synced.length;
  for (const one of file.unsynced) {
    if ('size' in one) {
      if (!keepsChange(one.number)) continue;
      bytes.fill(0, one.size);
      size = one.size;
      continue;
    }
    const end = one.at + one.bytes.length;
    for (let at = one.at; at < end; ) {
      const next = Math.min(end, (Math.floor(at / sector) + 1) * sector);
      if (keeps()) {
        one.bytes.copy(bytes, at, at - one.at, next - one.at);
        size = Math.max(size, next);
      } else if (tail !== 'none' && next > size) {
        if (tail === 'garbage') for (let i = Math.max(at, size); i < next; i++) bytes[i] = random(256);
        size = next;
      }
      at = next;
    }
  }
  return bytes.subarray(0, size);
}
