/**
 * `npm test`: gets the tests what they need, then hands over to Node's own runner and passes on its exit code.
 *
 *   npm test                                      everything, on every database
 *   npm test -- test/contract/claim.test.ts       some files
 *   npm test -- --test-name-pattern=rescue        any option of `node --test`
 *   BACKENDS=sqlite npm test                      one database only, by hand
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { CHROMIUM_VARIABLE, ensureChromium } from './chromium.ts';
import { ensureMariadb } from './mariadb.ts';
import { ensurePostgres } from './postgres.ts';
import { ensureRedis } from './redis.ts';

const ALL_TESTS = 'test/**/*.test.ts';
const BROWSER_TESTS = 'test/page/';
const TEST_TIMEOUT = 300_000;
const RUN_TIMEOUT = 70 * 60_000;
/** What Node.js has made of the sources: hundreds of processes start in half the time. */
const COMPILE_CACHE = 'node_modules/.cache/compile';

interface TestServer {
  readonly url: string;
  readonly source: string;
  close(): Promise<void>;
}

/** What the tests need; without a `backend`, whatever database they run on. */
const SERVERS: readonly {
  readonly backend?: string;
  readonly server: string;
  readonly variable: string;
  readonly ensure: () => Promise<TestServer>;
}[] = [
  {
    backend: 'postgres',
    server: 'PostgreSQL',
    variable: 'TASKBATON_POSTGRES_URL',
    ensure: ensurePostgres,
  },
  { backend: 'mysql', server: 'MariaDB', variable: 'TASKBATON_MYSQL_URL', ensure: ensureMariadb },
  { server: 'Redis', variable: 'TASKBATON_REDIS_URL', ensure: ensureRedis },
];

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(`The tests could not start. ${error instanceof Error ? error.message : String(error)}`);
  return 1;
});

async function main(args: readonly string[]): Promise<number> {
  const { options, files } = select(args);
  const env: Record<string, string> = { NODE_COMPILE_CACHE: resolve(COMPILE_CACHE) };
  const servers: TestServer[] = [];
  try {
    for (const { backend, server, variable, ensure } of SERVERS) {
      if (backend !== undefined && !needs(backend)) continue;
      const found = await ensure();
      servers.push(found);
      console.log(`${server}: ${found.source}`);
      env[variable] = found.url;
    }
    if (files.some((file) => file.startsWith(BROWSER_TESTS))) {
      const { program, source } = ensureChromium();
      console.log(`Chromium: ${source}`);
      env[CHROMIUM_VARIABLE] = program;
      // What is tested is the page as its sources are now.
      await (await import('../page/dev/build-page.ts')).buildPage();
    }
    return await runTests(options, files, env);
  } finally {
    for (const server of servers) await server.close();
  }
}

/** Node ignores options that stand behind the first file, and takes "no file matched" for a success. */
function select(args: readonly string[]): { options: string[]; files: string[] } {
  const isFile = (arg: string): boolean => !arg.startsWith('-') && (arg.endsWith('.ts') || existsSync(arg));
  const patterns = args.filter(isFile);
  const files = globSync(patterns.length > 0 ? patterns.map(tests) : ALL_TESTS).toSorted();
  if (files.length === 0) throw new Error(`No test file matches ${patterns.join(' ') || ALL_TESTS}.`);
  return { options: args.filter((arg) => !isFile(arg)), files };
}

/** A folder stands for the tests in it. */
function tests(pattern: string): string {
  return pattern.endsWith('.ts') ? pattern : `${pattern.replace(/\/$/, '')}/**/*.test.ts`;
}

function needs(backend: string): boolean {
  const selected = process.env['BACKENDS'] ?? '';
  return selected === '' || selected.split(',').some((name) => name.trim() === backend);
}

function runTests(options: string[], files: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const args = [
    '--test',
    '--test-reporter=spec',
    `--test-timeout=${TEST_TIMEOUT}`,
    `--test-concurrency=${Math.min(Math.max(availableParallelism(), 2), 4)}`,
    ...options,
    ...files,
  ];
  return new Promise((done, reject) => {
    const runner = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } });
    const timer = setTimeout(() => {
      console.error(`The tests did not end within ${RUN_TIMEOUT / 60_000} minutes.`);
      runner.kill('SIGTERM');
    }, RUN_TIMEOUT);
    const forward = (signal: NodeJS.Signals): boolean => runner.kill(signal);
    process.on('SIGINT', forward).on('SIGTERM', forward);
    runner.once('error', reject);
    runner.once('exit', (code) => {
      clearTimeout(timer);
      process.off('SIGINT', forward).off('SIGTERM', forward);
      done(code ?? 1);
    });
  });
}
