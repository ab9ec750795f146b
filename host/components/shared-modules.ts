/**
 * The modules that all.ts imports from the bundle that loads it, by their paths in host/. scripts/build.ts fills this in.
 */
export const sharedModules: Readonly<Record<string, object>> = {};
