/**
 * `npm run mutants`: can the tests fail? Each mutant is put into a copy of the sources, where the simulation and a test on a
 * database have to notice it. `--only 0,4` runs some of them; `--seeds` says how many the simulation may take.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readOptions, refuse } from './tool-options.ts';
import { type Mutant, mutated, MUTANTS } from '../test/simulation/mutants.ts';

const options = readOptions(import.meta.filename, {
  only: { type: 'string' },
  seeds: { type: 'string', default: '1000' },
});

/** What a copy needs to run the simulation and tests. */
const COPIED = ['src', 'test', 'scripts', 'package.json', 'tsconfig.json'];
/** A mutant that makes something turn in circles is noticed too. */
const LONGEST_TEST = 600_000;

interface Verdict {
  readonly mutant: Mutant;
  /** At which seed, and what it violates; undefined if it survives. */
  readonly simulation: { readonly seed: string; readonly violation: string } | undefined;
  readonly database: boolean;
}

const chosen = options.only?.split(',').map(Number);
if (chosen?.some((index) => MUTANTS[index] === undefined))
  refuse(`--only ${options.only ?? ''}: it takes numbers from 0 to ${MUTANTS.length - 1}`);
const verdicts: Verdict[] = [];
for (const [index, mutant] of MUTANTS.entries()) {
  if (chosen !== undefined && !chosen.includes(index)) continue;
  const verdict = await judge(mutant);
  verdicts.push(verdict);
  console.log(rowOf(verdict));
}
const survivors = verdicts.filter(({ simulation, database }) => simulation === undefined || !database);
console.log(
  survivors.length === 0
    ? `\nAll ${verdicts.length} mutants were noticed, by the simulation and by a test on a database.`
    : `\n${survivors.length} of ${verdicts.length} mutants survive: ${survivors.map(({ mutant }) => mutant.name).join('; ')}`,
);
process.exitCode = survivors.length === 0 ? 0 : 1;

async function judge(mutant: Mutant): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'taskbaton-mutant-'));
  try {
    for (const name of COPIED) cpSync(name, join(folder, name), { recursive: true });
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    for (const edit of mutant.edits) {
      const path = join(folder, 'src', edit.file);
      writeFileSync(path, mutated(readFileSync(path, 'utf8'), edit));
    }
    return { mutant, simulation: await simulate(folder), database: await fails(folder, mutant.test) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function simulate(folder: string): Promise<Verdict['simulation']> {
  const args = ['scripts/simulate.ts', '--seeds', options.seeds, '--workers', '1'];
  const { code, output } = await run(folder, args);
  const found = /^Seed (\d+) violates (.*)$/m.exec(output);
  if (code === 0) return undefined;
  if (found?.[1] === undefined || found[2] === undefined)
    throw new Error(`the simulation broke off:\n${output.slice(-2000)}`);
  return { seed: found[1], violation: found[2] };
}

async function fails(folder: string, { file, pattern }: Mutant['test']): Promise<boolean> {
  const args = ['--test', `--test-timeout=${LONGEST_TEST / 3}`, `--test-name-pattern=${pattern}`, file];
  const { code, output } = await run(folder, args, { BACKENDS: 'sqlite' });
  if (code !== 0 && !/^ℹ fail [1-9]/m.test(output) && !/^# fail [1-9]/m.test(output) && code !== null)
    throw new Error(`the test broke off:\n${output.slice(-2000)}`);
  return code !== 0;
}

function run(
  folder: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env: { ...process.env, ...env, NODE_TEST_CONTEXT: undefined },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LONGEST_TEST,
    });
    let output = '';
    const collect = (chunk: string): void => void (output += chunk);
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.once('error', reject);
    child.once('close', (code) => done({ code, output }));
  });
}

function rowOf({ mutant, simulation, database }: Verdict): string {
  const seen =
    simulation === undefined
      ? 'SURVIVES'
      : `seed ${simulation.seed}, ${simulation.violation.split(':')[0] ?? ''}`;
  return `${mutant.name.padEnd(46)} ${seen.padEnd(16)} ${database ? mutant.test.file : 'SURVIVES'}`;
}
