/** Modules of Node that are loaded on first use, because loading takes some ms and most programs do not need them. */

export const os = (): typeof import('node:os') => process.getBuiltinModule('node:os');
export const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto');
export const childProcess = (): typeof import('node:child_process') =>
  process.getBuiltinModule('node:child_process');
export const workerThreads = (): typeof import('node:worker_threads') =>
  process.getBuiltinModule('node:worker_threads');
export const v8 = (): typeof import('node:v8') => process.getBuiltinModule('node:v8');
