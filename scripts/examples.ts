/**
 * `npm run examples`: runs each `examples/*.ts` as a user would, against the built package, on a SQLite file and, when
 * TASKBATON_POSTGRES_URL is set, on that PostgreSQL. A line for each; one that fails shows all it said.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename } from 'node:path';

const TIMEOUT = 60_000;

const postgres = process.env['TASKBATON_POSTGRES_URL'];
const mysql = process.env['TASKBATON_MYSQL_URL'];
const databases: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['SQLite', []],
  ...(postgres === undefined || postgres === '' ? [] : [['PostgreSQL', [postgres]] as const]),
  ...(mysql === undefined || mysql === '' ? [] : [['MySQL', [mysql]] as const]),
];
const examples = globSync('examples/*.ts').toSorted();
const results = examples.flatMap((example) => databases.map(([name, args]) => passes(example, name, args)));
const failed = results.filter((passed) => !passed).length;
console.log(`\n${results.length - failed} passed, ${failed} failed`);
if (examples.length === 0)
  console.error('There is no examples/*.ts here; run it from the root of the repository.');
process.exitCode = examples.length > 0 && failed === 0 ? 0 : 1;

function passes(example: string, database: string, args: readonly string[]): boolean {
  const begin = performance.now();
  const { status, signal, error, stdout, stderr } = spawnSync(process.execPath, [example, ...args], {
    encoding: 'utf8',
    timeout: TIMEOUT,
    env: { ...process.env, TASKBATON_DB: '' },
  });
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  const passed = status === 0;
  console.log(
    `${passed ? '✔' : '✘'} ${basename(example, '.ts').padEnd(16)} ${database.padEnd(10)} ${seconds} s`,
  );
  if (!passed) console.error(`${stdout}${stderr}${error?.message ?? `It ended with ${signal ?? status}.`}`);
  return passed;
}
