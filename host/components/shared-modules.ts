/** What the build passes to the bundles that load the script of all.ts. scripts/components-script.ts fills this in. */

/** The modules that the script uses and the bundle has, by their paths in host/. */
export const sharedModules: Readonly<Record<string, object>> = {};

/** The name of the script in dist/components/. */
export const scriptFile: string = '';
