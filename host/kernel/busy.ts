/** Handles whose own callbacks may not use them, because SQLite is working on what they name. */

export class Busy {
  #isOn = false;

  /** Whether an action of {@link during} is running. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Runs an action that may call back. Not within itself. */
  during<T>(action: () => T): T {
    this.#isOn = true;
    try {
      return action();
    } finally {
      this.#isOn = false;
    }
  }
}
