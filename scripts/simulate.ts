/**
 * `npm run simulate`: the engine in simulated systems in which everything goes wrong, each run made by its seed.
 *
 *   npm run simulate                               a thousand seeds
 *   npm run simulate -- --seeds 100000             so many; --from says where to begin
 *   npm run simulate -- --seed 17                  one of them, with a trace of all that happens
 *   npm run simulate -- --seed 17 --schedule 0,4   the same, of its schedule only these items
 */
import { positive, readOptions } from './tool-options.ts';
import { type BatchResult, simulateSeeds } from '../test/simulation/fleet.ts';
import { describeItem, onlyItems, type Schedule } from '../test/simulation/schedule.ts';
import { SharedDatabase } from '../test/simulation/shared-database.ts';
import { shrink } from '../test/simulation/shrink.ts';
import { simulate } from '../test/simulation/simulation.ts';
import { makeSchedule } from '../test/simulation/themes.ts';

const options = readOptions(import.meta.filename, {
  seeds: { type: 'string', default: '1000' },
  from: { type: 'string', default: '1' },
  workers: { type: 'string' },
  seed: { type: 'string' },
  schedule: { type: 'string' },
});

process.exitCode =
  options.seed === undefined ? await simulateMany() : await replay(positive('seed', options.seed));

async function simulateMany(): Promise<number> {
  const began = performance.now();
  let told = began;
  const total = await simulateSeeds(positive('from', options.from), positive('seeds', options.seeds), {
    ...(options.workers === undefined ? {} : { workers: positive('workers', options.workers) }),
    onProgress: ({ runs }) => {
      if (performance.now() - told < 10_000) return;
      told = performance.now();
      console.log(`${count(runs)} seeds, ${seconds(began)} s`);
    },
  });
  report(total, began);
  if (total.failed === undefined) return 0;
  const { seed, violation } = total.failed;
  console.log(`\nSeed ${seed} violates ${violation.invariant}: ${violation.text}`);
  const shared = await SharedDatabase.open();
  const schedule = await shrink(
    makeSchedule(seed),
    async (shorter) => (await simulate(shorter, shared)).violation?.invariant === violation.invariant,
  );
  console.log('The shortest schedule that does so:');
  describe(schedule);
  console.log(`\nnpm run simulate -- --seed ${seed} --schedule ${[...schedule.items.keys()].join(',')}`);
  return 1;
}

function report({ runs, events, statements, counts, digest, failed }: BatchResult, began: number): void {
  const violations = failed === undefined ? '0 violations' : 'a violation';
  console.log(
    `${count(runs)} seeds, ${count(events)} events, ${count(statements)} statements in ${seconds(began)} s: ${violations}`,
  );
  for (const [what, times] of [...counts].toSorted(([one], [other]) => one.localeCompare(other)))
    console.log(`  ${what.padEnd(16)}${count(times).padStart(12)}`);
  console.log(`digest ${digest.toString(16).padStart(8, '0')}`);
}

async function replay(seed: number): Promise<number> {
  const whole = makeSchedule(seed);
  const { schedule: kept } = options;
  const schedule = kept === undefined ? whole : onlyItems(whole, new Set(kept.split(',').map(Number)));
  describe(schedule);
  console.log('');
  const { violation } = await simulate(schedule, await SharedDatabase.open(), (line) => console.log(line));
  if (violation === undefined) console.log('\nNothing is violated.');
  else console.log(`\n${violation.invariant} is violated: ${violation.text}`);
  return violation === undefined ? 0 : 1;
}

function describe({ items, settings }: Schedule): void {
  console.log(
    `  ways of ${settings.latency} ms, hints: ${settings.hints}, policy: ${settings.policy}, history: ${settings.history}`,
  );
  for (const [number, item] of items) console.log(`  ${String(number).padStart(2)}  ${describeItem(item)}`);
}

function count(number: number): string {
  return number.toLocaleString('en');
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}
