/** Marks handles that their own callbacks must not use, because SQLite is working on their objects. */

export class Busy {
  #isOn = false;

  /** Whether an action of {@link during} is running. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Runs an action that may call callbacks. The action must not call `during` of the same object. */
  during<T>(action: () => T): T {
    this.#isOn = true;
    try {
      return action();
    } finally {
      this.#isOn = false;
    }
  }
}
