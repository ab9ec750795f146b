/**
 * Writes the public API of each entry of the package, from its declarations, to test/api-report/.
 *
 *     npx tsx scripts/api-report.ts           writes the reports
 *     npx tsx scripts/api-report.ts --check   fails if the reports differ from the declarations in dist/
 *
 * Both fail if a public signature names a type that no entry exports.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  ExtractorMessageCategory,
} from '@microsoft/api-extractor';
import { cache, root } from './sources.js';

/** An entry of the package: the name of its report, and its declarations. */
export interface Entry {
  readonly name: string;
  readonly declarations: string;
}

/** Returns the entries that package.json exports. */
export function entriesOf(): Entry[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>;
  };
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string'
      ? []
      : [{ name: path === '.' ? 'index' : path.slice(2), declarations: join(root, target.types) }],
  );
}

const reports = join(root, 'test/api-report');
const made = join(cache, 'api-report');
const none = { logLevel: ExtractorLogLevel.None };

function configure({ name, declarations }: Entry, all: readonly string[]): ExtractorConfig {
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(root, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: declarations,
      compiler: {
        overrideTsconfig: {
          extends: join(root, 'tsconfig.json'),
          compilerOptions: { noEmit: true, types: [join(root, 'node_modules/@types/node')] },
          files: all,
          include: [],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: reports,
        reportTempFolder: made,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        extractorMessageReporting: {
          default: none,
          'ae-forgotten-export': { logLevel: ExtractorLogLevel.Error },
        },
        tsdocMessageReporting: { default: none },
      },
    },
  });
}

/** Writes or checks the reports. @returns the problems, one per line */
export function report(check: boolean): string[] {
  const problems: string[] = [];
  mkdirSync(reports, { recursive: true });
  mkdirSync(made, { recursive: true });
  const entries = entriesOf();
  // An entry may use a type that another entry exports, so check the types of all entries together.
  const everything = { name: 'everything', declarations: join(made, 'everything.d.ts') };
  const lines = entries.map(({ declarations }, i) => {
    const target = relative(made, declarations).replace(/\.d\.ts$/, '.js');
    return `export * as entry${i} from '${target}';\n`;
  });
  writeFileSync(everything.declarations, lines.join(''));
  const all = [...entries, everything];
  const files = all.map((entry) => entry.declarations);
  let compilerState: CompilerState | undefined;
  for (const entry of all) {
    const config = configure(entry, files);
    compilerState ??= CompilerState.create(config);
    const { apiReportChanged } = Extractor.invoke(config, {
      localBuild: !check,
      compilerState,
      messageCallback(message) {
        const isError = message.logLevel === ExtractorLogLevel.Error;
        const isForgotten = message.messageId === 'ae-forgotten-export';
        if (message.category === ExtractorMessageCategory.Compiler) problems.push(message.text);
        else if (isForgotten ? entry === everything : isError) problems.push(message.text);
        message.logLevel = ExtractorLogLevel.None;
        message.handled = true;
      },
    });
    if (entry !== everything && check && apiReportChanged) {
      problems.push(
        `test/api-report/${entry.name}.api.md differs from the declarations: run npm run build:report, and review the diff`,
      );
    }
  }
  rmSync(join(reports, 'everything.api.md'), { force: true });
  for (const file of readdirSync(reports)) {
    if (entries.some(({ name }) => file === `${name}.api.md`)) continue;
    if (check) problems.push(`test/api-report/${file} belongs to no entry of package.json`);
    else rmSync(join(reports, file));
  }
  return problems;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = report(process.argv.includes('--check'));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}
