/** The second form of a host function, which uses the guest's memory directly. */

/** If a host function has this property, jco calls it once per instance, to get a function that takes core values. */
export const cabiLower: unique symbol = Symbol.for('cabiLower') as never;

/** The options that jco passes to a `cabiLower` function. */
export interface GuestOptions {
  readonly memory: WebAssembly.Memory;
  realloc(old: number, oldSize: number, align: number, size: number): number;
}
