/**
 * Builds the API reference of every entry of the package from the doc comments in dist/, as HTML: .cache/docs/. Fails
 * if a comment causes a warning, such as a broken link.
 */

import { createRequire, register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { entriesOf } from './api-report.js';
import { cache, root } from './sources.js';

// typedoc needs the API of TypeScript 6 or older, which TypeScript 7 lacks. Use the TypeScript that API Extractor
// depends on.
const parent = pathToFileURL(createRequire(import.meta.url).resolve('@microsoft/api-extractor')).href;
const hook = `export const resolve = (name, context, next) =>
  next(name, name === 'typescript' ? { ...context, parentURL: ${JSON.stringify(parent)} } : context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const { Application } = await import('typedoc');

const out = join(cache, 'docs');
const application = await Application.bootstrap({
  name: 'sqlite-wasm-run',
  entryPoints: entriesOf().map(({ declarations }) => declarations),
  tsconfig: join(root, 'scripts/docs.tsconfig.json'),
  out,
  readme: join(root, 'README.md'),
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  highlightLanguages: ['typescript', 'javascript', 'json', 'sql', 'bash'],
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  // A property with a clear name and type needs no comment.
  requiredToBeDocumented: [
    'Class',
    'Interface',
    'TypeAlias',
    'Function',
    'Variable',
    'Method',
    'GetSignature',
  ],
  // Generated from names in the WIT, which `types` documents.
  intentionallyNotDocumented: [
    'host.changeset.SqlValue',
    'host.changeset.SqliteError',
    'host.changeset.Functions',
    'host.logging.Functions',
    'host.session.SqliteError',
    'host.session.Functions',
    'host.spi.SqlValue',
    'host.spi.SqliteError',
    'host.spi.Functions',
  ],
});
const project = await application.convert();
if (project) {
  application.validate(project);
  await application.generateOutputs(project);
}
if (!project || application.logger.hasErrors() || application.logger.hasWarnings()) process.exitCode = 1;
else console.log(join(out, 'index.html'));
