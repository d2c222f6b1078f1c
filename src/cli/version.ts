/** The version of this package, from its own package.json. */
import { readFileSync } from 'node:fs';

/** It lies as far above the sources as above what is built of them. */
const PACKAGE = new URL('../../package.json', import.meta.url);

export function version(): string {
  return (JSON.parse(readFileSync(PACKAGE, 'utf8')) as { readonly version: string }).version;
}
