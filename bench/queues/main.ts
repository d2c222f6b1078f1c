/**
 * `npm run bench:queues`: what turns cost and how fair they are: claims out of large backlogs and past full groups, fair shares,
 * control in bulk. Prints each figure's median with its range beside what it should be, on each database.
 *
 *     npm run bench:queues                                # SQLite, PostgreSQL and MariaDB at their standard ports
 *     npm run bench:queues -- --db sqlite,postgres --only claims,limits --quick
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { choose, readOptions } from '../../scripts/tool-options.ts';
import { measureBulk } from './bulk.ts';
import { measureBacklogs, measureLimits } from './claims.ts';
import { measureEvenness, measureNewcomer } from './fairness.ts';
import { inPlace, type Place, type PlaceName } from './place.ts';
import { median, reached, type Result, type Scale } from './result.ts';

const MEASUREMENTS: Readonly<Record<string, (place: Place, scale: Scale) => AsyncIterable<Result>>> = {
  claims: measureBacklogs,
  limits: measureLimits,
  newcomer: measureNewcomer,
  evenness: measureEvenness,
  bulk: measureBulk,
};
const PLACES: readonly PlaceName[] = ['sqlite', 'postgres', 'mysql'];

const FULL: Scale = {
  runs: 5,
  large: 1_000_000,
  small: 20_000,
  groups: 10_000,
  claimed: 3000,
  paused: 10_000,
};
const QUICK: Scale = { runs: 3, large: 50_000, small: 5000, groups: 500, claimed: 1000, paused: 2000 };

const values = readOptions(import.meta.filename, {
  db: { type: 'string', default: PLACES.join(',') },
  only: { type: 'string', default: Object.keys(MEASUREMENTS).join(',') },
  quick: { type: 'boolean', default: false },
});
const scale = values.quick ? QUICK : FULL;
const results: Record<string, Result[]> = {};
const measurements = choose(values.only, Object.keys(MEASUREMENTS));
for (const name of choose(values.db, PLACES)) {
  await inPlace(name, async (place) => {
    console.log(`\n${name}, medians of ${scale.runs}:`);
    for (const measurement of measurements) {
      for await (const result of MEASUREMENTS[measurement]?.(place, scale) ?? []) {
        console.log(lineOf(result));
        (results[name] ??= []).push(result);
      }
    }
  });
}
// A part says nothing of the whole.
if (!values.quick && process.argv.length === 2) {
  const folder = new URL('../results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL('queues.json', folder), `${JSON.stringify(results, undefined, 2)}\n`);
}

function lineOf(result: Result): string {
  const { name, unit, runs, target, below = false, note } = result;
  const digits = unit === 'ms' ? 1 : 3;
  const show = (value: number): string => value.toFixed(digits);
  const range = `${show(Math.min(...runs))}–${show(Math.max(...runs))}`;
  const aim =
    target === undefined ? '' : `, ${below ? '≤' : '≥'} ${target} ${reached(result) ? 'reached' : 'MISSED'}`;
  return `  ${name}: ${show(median(runs))}${unit && ` ${unit}`} (${range})${aim}${note === undefined ? '' : `  [${note}]`}`;
}
