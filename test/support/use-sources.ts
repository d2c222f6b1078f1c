/**
 * `node --import …/use-sources.ts program.ts`: `taskbaton` and its other doors are what lies in `src/`, not what was built last, so that a test
 * of a program that a user could have written tests the sources. Processes that the program forks inherit it.
 */
import { registerHooks } from 'node:module';

const SOURCES: Readonly<Record<string, string>> = {
  taskbaton: new URL('../../src/index.ts', import.meta.url).href,
  'taskbaton/cron': new URL('../../src/cron/index.ts', import.meta.url).href,
  'taskbaton/testing': new URL('../../src/testing/index.ts', import.meta.url).href,
};

registerHooks({
  resolve: (specifier, context, nextResolve) => nextResolve(SOURCES[specifier] ?? specifier, context),
});
