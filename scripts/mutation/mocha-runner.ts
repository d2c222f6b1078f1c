/**
 * How Stryker runs our tests: by its runner for Mocha, since `node:test` can't run them again and again in one process. A mutant in what a
 * module does when it is loaded, a table for instance, needs sources and tests to be loaded anew; Stryker would start a new process for
 * each, which takes ten times as long.
 */
import {
  createMochaTestRunner,
  type MochaTestRunner,
  strykerPlugins as mochaPlugins,
} from '@stryker-mutator/mocha-runner';
import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

export { strykerValidationSchema } from '@stryker-mutator/mocha-runner';

const NODE_TEST = new URL('node-test.ts', import.meta.url).href;

/** How often sources and tests have been loaded. It is a part of their addresses, by which Node tells modules apart. */
let loads = 0;

registerHooks({
  resolve: (specifier, context, next) => {
    if (specifier === 'node:test') return { url: NODE_TEST, shortCircuit: true };
    const { url, ...resolved } = next(specifier, context);
    return { ...resolved, url: isOurs(url) ? addressed(url) : url };
  },
});

// Node remembers what an address that Mocha imports has been resolved to.
type LoadFiles = (options: { readonly esmDecorator: (url: URL) => string }) => Promise<void>;
const mocha = createRequire(import.meta.url)('mocha') as {
  readonly prototype: { loadFilesAsync: LoadFiles };
};
const { loadFilesAsync } = mocha.prototype;
mocha.prototype.loadFilesAsync = function addressedFiles(this: unknown): Promise<void> {
  return Reflect.apply(loadFilesAsync, this, [{ esmDecorator: ({ href }) => addressed(href) }]);
};

function addressed(url: string): string {
  return `${url}?load=${loads}`;
}

/** Of the copy that Stryker works in, and not addressed yet. */
function isOurs(url: string): boolean {
  const root = pathToFileURL(process.cwd()).href;
  return !url.includes('?') && (url.startsWith(`${root}/src/`) || url.startsWith(`${root}/test/`));
}

class ReloadingRunner {
  readonly #create: () => MochaTestRunner;
  #runner: MochaTestRunner;

  constructor(create: () => MochaTestRunner) {
    this.#create = create;
    this.#runner = create();
  }

  capabilities(): ReturnType<MochaTestRunner['capabilities']> {
    return Promise.resolve({ reloadEnvironment: true });
  }

  init(): Promise<void> {
    return this.#runner.init();
  }

  dryRun(...args: Parameters<MochaTestRunner['dryRun']>): ReturnType<MochaTestRunner['dryRun']> {
    return this.#runner.dryRun(...args);
  }

  async mutantRun(
    ...[options]: Parameters<MochaTestRunner['mutantRun']>
  ): ReturnType<MochaTestRunner['mutantRun']> {
    if (options.reloadEnvironment) {
      await this.#runner.dispose();
      loads++;
      this.#runner = this.#create();
      await this.#runner.init();
    }
    return this.#runner.mutantRun(options);
  }

  dispose(): Promise<void> {
    return this.#runner.dispose();
  }
}

function reloading(injector: Parameters<typeof createMochaTestRunner>[0]): ReloadingRunner {
  return new ReloadingRunner(() => createMochaTestRunner(injector));
}
reloading.inject = createMochaTestRunner.inject;

export const strykerPlugins = mochaPlugins.map((plugin) => ({
  ...plugin,
  name: 'reloading-mocha',
  factory: reloading,
}));
