/** Our own tools say what they take, and refuse what they don't before they have done anything. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const TOOLS = [
  'bench/main.ts',
  'bench/history.ts',
  'bench/dashboards.ts',
  'bench/life/main.ts',
  'bench/queues/main.ts',
  'nemesis/main.ts',
  'soak/main.ts',
  'scripts/simulate.ts',
  'scripts/model.ts',
  'scripts/mutants.ts',
];
const WRONG: readonly (readonly [tool: string, option: readonly string[], problem: RegExp])[] = [
  ['bench/main.ts', ['--db', 'oracle'], /oracle is none of postgres, mysql, sqlite/],
  ['bench/main.ts', ['--only', 'drian'], /drian is none of drain/],
  ['bench/main.ts', ['--repetitions', 'many'], /--repetitions is a number above 0, not many/],
  ['bench/queues/main.ts', ['--only', 'claim'], /claim is none of claims/],
  ['nemesis/main.ts', ['--seed', '1.5'], /--seed is a whole number, not 1.5/],
  ['soak/main.ts', ['--minutes', '0'], /--minutes is a number above 0, not 0/],
  ['scripts/mutants.ts', ['--only', 'x'], /takes numbers from 0/],
];

describe('our tools', { concurrency: 2 }, () => {
  for (const tool of TOOLS) {
    test(`${tool} says with --help what it is for`, async () => {
      const { code, stdout } = await run(tool, ['--help']);
      assert.equal(code, 0);
      assert.match(stdout, /^`npm run .*`: .*\n/);
      assert.doesNotMatch(stdout, /\*\/|^ \*/m);
    });
    test(`${tool} refuses an option that it doesn't have in one line`, async () => {
      const { code, stderr } = await run(tool, ['--nonsense']);
      assert.equal(code, 2);
      assert.match(stderr, /^Unknown option '--nonsense'.*--help.*\n$/);
    });
  }
  for (const [tool, option, problem] of WRONG)
    test(`${tool} refuses ${option.join(' ')}`, async () => {
      const { code, stderr } = await run(tool, option);
      assert.equal(code, 2);
      assert.match(stderr, problem);
      assert.equal(stderr.trim().split('\n').length, 1);
    });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(tool: string, options: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [tool, ...options], { cwd: ROOT }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}
