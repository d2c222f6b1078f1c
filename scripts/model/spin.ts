/**
 * Spin at work: a model is turned into a C program, which goes through every state. For a property that must break, the
 * shortest way there is looked for, and told in the model's own words.
 */
import { execFile, type ExecFileException } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianProgram } from '../debian-program.ts';
import { isLiveness } from './properties.ts';
import type { Search } from './searches.ts';

const MODELS = join(import.meta.dirname, '..', '..', 'model');
/** Megabytes. */
const MOST_MEMORY = 3900;
const DEEPEST = 100_000;
const MOST_OUTPUT = 64 * 2 ** 20;

export interface Verdict {
  readonly search: Search;
  readonly passed: boolean;
  readonly states: number;
  readonly seconds: number;
  readonly megabytes: number;
  /** What Spin said, if it went wrong. */
  readonly output: string;
  /** The way to the violation, in the model's words. */
  readonly steps: readonly string[];
}

/** Looks for the programs, and installs them where they are missing. */
export function ensureSpin(): void {
  debianProgram({ programs: ['spin'], debianPackages: ['spin'] });
  debianProgram({ programs: ['gcc'], debianPackages: ['gcc', 'libc6-dev'] });
}

/** One after another for each core, so that memory stays bounded. */
export async function runSearches(
  searches: readonly Search[],
  done: (verdict: Verdict) => void,
): Promise<readonly Verdict[]> {
  const waiting = [...searches];
  const verdicts = new Map<Search, Verdict>();
  const worker = async (): Promise<void> => {
    for (let search = waiting.shift(); search !== undefined; search = waiting.shift()) {
      const verdict = await runSearch(search);
      verdicts.set(search, verdict);
      done(verdict);
    }
  };
  await Promise.all(Array.from({ length: searches.some(({ long }) => long) ? 1 : workers() }, worker));
  return searches.flatMap((search) => verdicts.get(search) ?? []);
}

function workers(): number {
  return Math.min(availableParallelism(), 2);
}

async function runSearch(search: Search): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'taskbaton-model-'));
  try {
    cpSync(MODELS, folder, { recursive: true });
    return await verify(search, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function verify(search: Search, folder: string): Promise<Verdict> {
  const { model, only, expected } = search;
  const file = `${model}.pml`;
  const live = only !== undefined && isLiveness(only);
  const shortest = expected === 'breaks' && !live;
  const defines = definesOf(search, live, shortest).map((define) => `-D${define}`);
  const said = await execute('spin', [...defines, '-a', file], folder);
  const kind = live
    ? ['-DNFAIR=5']
    : ['-DSAFETY', ...(shortest ? ['-DBFS'] : []), ...(search.long ? ['-DCOLLAPSE'] : [])];
  const memory = search.long ? 4 * MOST_MEMORY : MOST_MEMORY;
  await execute(
    'gcc',
    [shortest ? '-O1' : '-O2', '-w', ...kind, `-DMEMLIM=${memory}`, '-o', 'pan', 'pan.c'],
    folder,
    said,
  );
  const fair = live ? ['-a', '-f', '-N', only] : [];
  const output = await execute(join(folder, 'pan'), [`-m${DEEPEST}`, ...fair], folder);
  const errors = figure(output, /errors: (\d+)/);
  const complete = !/Search not completed|max search depth|MEMLIM|out of memory/.test(output) || errors > 0;
  const broken = errors > 0;
  const trail = broken ? await execute('spin', [...defines, '-t', file], folder) : '';
  return {
    search,
    passed: complete && broken === (expected === 'breaks'),
    states: figure(output, /(\d+) states, stored/),
    seconds: figure(output, /elapsed time ([\d.]+) seconds/),
    megabytes: Math.round(figure(output, /([\d.]+)\s+total actual memory usage/)),
    output,
    steps: stepsOf(trail),
  };
}

function definesOf(
  { bounds, switches = [], only }: Search,
  live: boolean,
  shortest: boolean,
): readonly string[] {
  return [
    ...Object.entries(bounds).map(([name, value]) => `${name}=${value}`),
    ...switches,
    ...(live ? ['LIVENESS'] : only === undefined ? [] : [`ONLY=${only}`]),
    ...(shortest ? ['SHORTEST'] : []),
  ];
}

/** The lines that models print: `@from>to|words|number`. */
function stepsOf(trail: string): readonly string[] {
  return trail
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('@'));
}

function figure(output: string, pattern: RegExp): number {
  return Number(pattern.exec(output)?.[1] ?? Number.NaN);
}

/** Its output; pan and spin say by their words, not by their exit codes, what they found. */
function execute(program: string, args: readonly string[], cwd: string, before = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const ended = (error: ExecFileException | null, stdout: string, stderr: string): void => {
      const output = `${stdout}${stderr}`;
      const failed = error !== null && program === 'gcc';
      if (failed) reject(new Error(`${program} failed: ${before}${output}`));
      else resolve(output);
    };
    execFile(program, args, { cwd, maxBuffer: MOST_OUTPUT }, ended);
  });
}
