/** Modules of Node that take some ms to load and that most starts do not need: they are loaded when they are used. */

export const os = (): typeof import('node:os') => process.getBuiltinModule('node:os');
export const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto');
export const childProcess = (): typeof import('node:child_process') =>
  process.getBuiltinModule('node:child_process');
