/** Composes two components into one, like `wac plug`, which is not available from npm. */

import { parse, print } from '@bytecodealliance/jco-transpile/wasm-tools';

/** The text between `(component` and its end. */
async function bodyOf(component: Uint8Array): Promise<string> {
  return (await print(component)).replace(/^\(component\b[^\n]*\n/, '').replace(/\)\s*$/, '');
}

/** The imports of a component and their types. They come before its first module. */
function importsOf(body: string): string {
  return body.slice(0, body.search(/^ {2}\(core /m));
}

/**
 * Makes a component that contains both, in which the export `name` of `plug` replaces that import of `socket`. The
 * result has the other imports of `socket` and its `exports`. `plug` must not have imports.
 */
export async function plugged(
  socket: Uint8Array,
  plug: Uint8Array,
  name: string,
  exports: readonly string[],
): Promise<Uint8Array> {
  const outer = await bodyOf(socket);
  const declared = importsOf(outer);
  const blocks = declared.split(/(?=^ {2}\((?:type|import) )/m);
  const kept = blocks.filter((block) => !block.includes(`$ty-${name}`) && !block.includes(`"${name}"`));
  const imported = kept.flatMap((block) => /^ {2}\(import "([^"]+)"/.exec(block)?.[1] ?? []);
  const withImports = imported.map((one) => `(with "${one}" (instance $${one}))`).join(' ');
  // Remove the printer's numbers in comments, because only names matter.
  const text = `(component
${kept.join('').replace(/\(;\d+;\)/g, '')}
  (component $plug
${await bodyOf(plug)})
  (component $socket
${outer})
  (instance $inner (instantiate $plug))
  (alias export $inner "${name}" (instance $plugged))
  (instance $whole (instantiate $socket (with "${name}" (instance $plugged)) ${withImports}))
${exports
  .map(
    (one, index) => `  (alias export $whole "${one}" (instance $export${index}))
  (export "${one}" (instance $export${index}))`,
  )
  .join('\n')}
)`;
  return parse(text);
}
