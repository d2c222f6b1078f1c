/**
 * A short form of the simulation, and what makes it worth anything: the same seed gives the same run in every process, what
 * fails can be shown in short, and the mutants that it has to notice can still be made.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { simulateSeeds } from './fleet.ts';
import { mutated, MUTANTS } from './mutants.ts';
import { STATEMENT_FAULTS } from './network.ts';
import { onlyItems, type Schedule } from './schedule.ts';
import { SharedDatabase } from './shared-database.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulation.ts';
import { makeSchedule } from './themes.ts';
import { traceOf } from './trace.ts';

/** `npm run simulate` runs more. */
const SEEDS = 300;
const TRACED = 10;
/** What must come to pass in so many runs, or they prove nothing. */
const EXPECTED: readonly string[] = [
  ...STATEMENT_FAULTS,
  'crash',
  'freeze',
  'cut off',
  'slow',
  'stop',
  'replica.lost',
  'task.lost',
  'task.released',
  'claimed ahead',
  'task.abandoned',
  'tasks.rescued',
];

describe('a simulated system', () => {
  let shared: SharedDatabase;
  before(async () => {
    shared = await SharedDatabase.open();
  });
  after(() => shared.close());

  it(`violates nothing in ${SEEDS} runs, in which everything goes wrong`, async () => {
    const { failed, runs, counts } = await simulateSeeds(1, SEEDS, { workers: 2 });
    assert.equal(failed, undefined);
    assert.equal(runs, SEEDS);
    for (const what of EXPECTED) assert.ok((counts.get(what) ?? 0) > 0, `no ${what}`);
  });

  it('leaves the same trace for the same seeds, whatever ran before', async () => {
    const first = await traceOf(shared, TRACED);
    await simulate(makeSchedule(TRACED + 1), shared);
    assert.equal(await traceOf(shared, TRACED), first);
  });

  it('leaves the same trace in another process', async () => {
    const program = `
      import { traceOf } from ${JSON.stringify(new URL('trace.ts', import.meta.url).href)};
      import { SharedDatabase } from ${JSON.stringify(new URL('shared-database.ts', import.meta.url).href)};
      console.log(await traceOf(await SharedDatabase.open(), ${TRACED}));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    });
    assert.equal(stdout.trim(), await traceOf(shared, TRACED));
  });

  it('does the same in runs that differ in their trace only by being traced', async () => {
    const traced = await simulate(makeSchedule(3), shared, () => undefined);
    assert.equal((await simulate(makeSchedule(3), shared)).digest, traced.digest);
  });
});

describe('a schedule', () => {
  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(makeSchedule(5), makeSchedule(5));
    assert.notDeepEqual(makeSchedule(5).items, makeSchedule(6).items);
  });

  it('that fails is left without all that it does not need', async () => {
    const [seed, needed] = longSchedule();
    const shortest = await shrink(makeSchedule(seed), async ({ items }) =>
      needed.every((number) => items.has(number)),
    );
    assert.deepEqual(shortest, onlyItems(makeSchedule(seed), new Set([0, ...needed])));
  });
});

describe('a mutant', () => {
  for (const { name, edits } of MUTANTS)
    it(`can be made of these sources: ${name}`, () => {
      const sources = new Map(edits.map(({ file }) => [file, readFileSync(`src/${file}`, 'utf8')]));
      for (const edit of edits) {
        const source = sources.get(edit.file) ?? '';
        sources.set(edit.file, mutated(source, edit));
        assert.notEqual(sources.get(edit.file), source);
      }
    });
});

/** A seed whose schedule has much in it, and two of its items. */
function longSchedule(): readonly [seed: number, needed: readonly number[]] {
  for (let seed = 1; ; seed++) {
    const { items }: Schedule = makeSchedule(seed);
    const others = [...items].filter(([, { kind }]) => kind !== 'process').map(([number]) => number);
    const [first, , third] = others;
    if (others.length >= 8 && first !== undefined && third !== undefined) return [seed, [first, third]];
  }
}
