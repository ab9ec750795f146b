/** Undo and redo: every step of the user is a changeset, and undo applies its inverse. */

import { Changeset, DatabaseSync, type Session } from 'sqlite-wasm-run';

class History {
  readonly #db: DatabaseSync;
  readonly #done: Changeset[] = [];
  readonly #undone: Changeset[] = [];
  readonly #session: Session;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#session = db.createSession();
  }

  /** Runs a step of the user. If it throws, its changes are rolled back. */
  step(action: () => void): void {
    this.#db.exec('SAVEPOINT step');
    try {
      action();
    } catch (error) {
      this.#db.exec('ROLLBACK TO step; RELEASE step');
      throw error;
    }
    this.#db.exec('RELEASE step');
    const changes = new Changeset(this.#session.take());
    if (changes.isEmpty) return;
    this.#done.push(changes);
    this.#undone.length = 0;
  }

  undo(): boolean {
    const last = this.#done.pop();
    if (!last) return false;
    this.#apply(last.invert());
    this.#undone.push(last);
    return true;
  }

  redo(): boolean {
    const next = this.#undone.pop();
    if (!next) return false;
    this.#apply(next);
    this.#done.push(next);
    return true;
  }

  /** The changeset contains the changes of triggers and foreign key actions, so they must not run again. */
  #apply(changes: Changeset): void {
    const { applied } = this.#db.apply(changes, { triggers: false, fkNoAction: true });
    if (!applied) throw new Error('somebody else changed the same rows');
    this.#session.take(); // an undo or redo is not a step
  }
}

const db = new DatabaseSync(':memory:');
db.exec(`
  CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT, done INT DEFAULT 0);
  CREATE TABLE counter(name TEXT PRIMARY KEY, n INT);
  INSERT INTO counter VALUES('tasks', 0);
  CREATE TRIGGER added AFTER INSERT ON task BEGIN UPDATE counter SET n = n + 1; END;
`);
const history = new History(db);
const show = (what: string): void => {
  const tasks = db
    .prepare("SELECT group_concat(title || iif(done, ' (done)', ''), ', ') AS all_ FROM task")
    .get();
  const counter = db.prepare('SELECT n FROM counter').get();
  console.log(`${what}: ${tasks?.all_ ?? 'nothing'}; ${counter?.n} tasks`);
};

history.step(() => db.exec("INSERT INTO task(title) VALUES('write'), ('read')"));
history.step(() => db.exec("UPDATE task SET done = 1 WHERE title = 'read'"));
show('done');
history.undo();
show('undone once');
history.undo();
show('undone twice');
history.redo();
history.redo();
show('redone');
