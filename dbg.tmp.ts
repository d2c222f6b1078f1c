import { makeSchedule } from './test/simulation/themes.ts';
import { SharedDatabase } from './test/simulation/shared-database.ts';
import { simulate } from './test/simulation/simulation.ts';
import { Timeline } from './test/simulation/timeline.ts';
const orig = Timeline.prototype.after;
let last: any[] = [];
Timeline.prototype.after = function (ms: number, what: string, p: any, run: any) {
  const o = orig.call(this, ms, what, p, run);
  if (what === 'timer')
    last.push([this.now, ms, p.name, new Error().stack!.split('\n').slice(3, 9).join('\n'), o]);
  return o;
} as any;
await simulate(makeSchedule(Number(process.argv[2])), await SharedDatabase.open());
for (const [at, ms, name, stack, o] of last)
  if (o.run !== undefined && name === process.argv[3]) console.log(at, ms, name, stack);
