import { describeItem } from './test/simulation/schedule.ts';
import { makeSchedule } from './test/simulation/themes.ts';
import { SharedDatabase } from './test/simulation/shared-database.ts';
import { simulate } from './test/simulation/simulation.ts';
const [from, count, show] = process.argv.slice(2).map(Number);
const shared = await SharedDatabase.open();
const cpu = process.cpuUsage();
let failed = 0,
  events = 0,
  statements = 0;
const kinds = new Map<string, number[]>();
const counts = new Map<string, number>();
for (let seed = from!; seed < from! + count!; seed++) {
  const schedule = makeSchedule(seed);
  if (show) for (const [n, item] of schedule.items) console.log(n, describeItem(item));
  const outcome = await simulate(schedule, shared, show ? console.log : undefined);
  events += outcome.events;
  statements += outcome.statements;
  for (const [k, v] of outcome.counts) counts.set(k, (counts.get(k) ?? 0) + v);
  if (outcome.violation) {
    failed++;
    const k = outcome.violation.invariant;
    const l = kinds.get(k) ?? [];
    kinds.set(k, l);
    l.push(seed);
    if (l.length <= 3) console.log(seed, k, outcome.violation.text.slice(0, 400));
  }
}
const used = process.cpuUsage(cpu);
console.log({
  failed,
  cpuMsPerSeed: (used.user + used.system) / 1000 / count!,
  events: events / count!,
  statements: statements / count!,
});
console.log(Object.fromEntries([...kinds].map(([k, l]) => [k, l.length])), Object.fromEntries(counts));
