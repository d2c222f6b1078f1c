/**
 * `npm run examples`: runs every `examples/<name>/main.ts` as a user would, against the built package. An example
 * ends by itself; one that fails or takes more than a minute fails the run.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

const TIMEOUT = 60_000;

const examples = globSync('examples/*/main.ts').toSorted();
const failed = examples.filter((example) => !passes(example));
console.log(`\n${examples.length - failed.length} passed, ${failed.length} failed`);
if (examples.length === 0) console.error('There is no examples/<name>/main.ts.');
process.exitCode = examples.length > 0 && failed.length === 0 ? 0 : 1;

function passes(example: string): boolean {
  console.log(`\n── ${example} ──`);
  const { status, error } = spawnSync(process.execPath, [example], { stdio: 'inherit', timeout: TIMEOUT });
  if (error !== undefined) console.error(`${example}: ${error.message}`);
  return status === 0;
}
