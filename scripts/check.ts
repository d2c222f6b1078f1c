/**
 * `npm run check`: every gate that needs no running service, as many at once as there are cores. One line for each,
 * and the whole output of those that failed. What users install is checked as they get it: as the packed tarball.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

interface Gate {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  /** The gate whose result it needs. */
  readonly after?: string;
}

interface Outcome {
  readonly gate: Gate;
  readonly passed: boolean;
  readonly seconds: number;
  readonly output: string;
}

const { name, version } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  name: string;
  version: string;
};
const scratch = mkdtempSync(join(tmpdir(), 'taskbaton-check-'));
const tarball = join(scratch, `${name}-${version}.tgz`);

/** The long ones first. */
const GATES: readonly Gate[] = [
  script('build'),
  script('lint'),
  script('typecheck'),
  script('knip'),
  {
    name: 'pack',
    after: 'build',
    command: ['npm', 'pack', '--ignore-scripts', '--pack-destination', scratch],
  },
  { name: 'attw', after: 'pack', command: ['attw', tarball, '--profile', 'esm-only', '--no-emoji'] },
  { name: 'publint', after: 'pack', command: ['publint', 'run', tarball, '--strict'] },
  script('docs:check'),
  script('format:check'),
];

const started = performance.now();
const outcomes = await runAll().finally(() => rmSync(scratch, { recursive: true, force: true }));
const failed = outcomes.filter(({ passed }) => !passed);
for (const { gate, output } of failed) console.log(`\n── ${gate.name} ──\n${output.trim()}`);
const total = seconds(started).toFixed(1);
console.log(`\n${outcomes.length - failed.length} of ${GATES.length} gates passed in ${total} s`);
process.exitCode = failed.length === 0 ? 0 : 1;

function script(gate: string): Gate {
  return { name: gate, command: ['npm', 'run', '--silent', gate] };
}

async function runAll(): Promise<readonly Outcome[]> {
  const waiting = [...GATES];
  const done = new Map<string, Outcome>();
  const running = new Set<Promise<void>>();
  while (waiting.length > 0 || running.size > 0) {
    const next = waiting.findIndex(({ after }) => after === undefined || done.has(after));
    if (next >= 0 && running.size < availableParallelism()) {
      const gate = waiting.splice(next, 1)[0] as Gate;
      const finished = run(gate, done).then((outcome) => {
        done.set(gate.name, outcome);
        running.delete(finished);
        console.log(
          `${outcome.passed ? '✔' : '✖'} ${gate.name.padEnd(14)}${outcome.seconds.toFixed(1).padStart(5)} s`,
        );
      });
      running.add(finished);
    } else {
      await Promise.race(running);
    }
  }
  return [...done.values()];
}

async function run(gate: Gate, done: ReadonlyMap<string, Outcome>): Promise<Outcome> {
  if (gate.after !== undefined && done.get(gate.after)?.passed !== true) {
    return { gate, passed: false, seconds: 0, output: `It needs ${gate.after}, which failed.` };
  }
  const start = performance.now();
  const { code, output } = await execute(gate.command);
  return { gate, passed: code === 0, seconds: seconds(start), output };
}

function execute([program, ...args]: Gate['command']): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const env = process.stdout.isTTY
      ? { ...process.env, FORCE_COLOR: '1' }
      : { ...process.env, NO_COLOR: '1' };
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    let output = '';
    const collect = (chunk: string): void => void (output += chunk);
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.once('error', (error) => resolve({ code: null, output: error.message }));
    child.once('close', (code) => resolve({ code, output }));
  });
}

function seconds(since: number): number {
  return (performance.now() - since) / 1000;
}
