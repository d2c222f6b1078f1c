/**
 * `npm run mutants:core`: can the tests of `src/core` fail? Stryker puts some 2,000 mutants into it, one at a time, and runs the tests
 * that need nothing but `src/core`. Fails below 90 % noticed; `artefacts/mutants/core.html` shows what survived.
 * `npm run mutants:core -- src/core/retry.ts` does so with some files.
 */
import { Stryker } from '@stryker-mutator/core';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LEAST_SCORE = 90;
/** A mutant that makes something wait for ever is noticed too; only a loaded machine is not to be taken for one. */
const LONGEST_TEST = 60_000;

const files = process.argv.slice(2);
const stryker = new Stryker({
  mutate: files.length > 0 ? files : ['src/core/*.ts'],
  testRunner: 'reloading-mocha',
  plugins: [join(import.meta.dirname, 'mutation', 'mocha-runner.ts')],
  mochaOptions: { spec: testsOfCore() },
  // Mocha would `require` the tests, and what is required can't be loaded anew.
  testRunnerNodeArgs: ['--no-experimental-require-module'],
  coverageAnalysis: 'perTest',
  timeoutMS: LONGEST_TEST,
  // What the tests read. Without a tsconfig.json, which Stryker would rewrite by an interface that TypeScript 7 no longer has.
  ignorePatterns: ['/*', '!/src', '!/test', '!/docs', '!/package.json'],
  tempDirName: 'artefacts/stryker',
  reporters: ['progress-append-only', 'clear-text', 'html'],
  clearTextReporter: { reportTests: false, logTests: false },
  htmlReporter: { fileName: 'artefacts/mutants/core.html' },
  thresholds: { high: 95, low: LEAST_SCORE, break: LEAST_SCORE },
});
await stryker.runMutationTest();

/**
 * Those that import nothing else of the sources: they are pure, so each mutant takes them milliseconds. The quick ones come first, since
 * the first that fails is the last that runs.
 */
function testsOfCore(): readonly string[] {
  const sources = globSync('test/unit/*.test.ts').map((name) => ({ name, text: readFileSync(name, 'utf8') }));
  return sources
    .filter(({ text }) => !/from '\.\.\/\.\.\/(?!src\/core\/)/.test(text))
    .toSorted(
      (one, other) => Number(one.text.includes("'fast-check'")) - Number(other.text.includes("'fast-check'")),
    )
    .map(({ name }) => name);
}
