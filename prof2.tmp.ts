import { SqliteConnection } from './src/database/sqlite-connection.ts';
import { makeSchedule } from './test/simulation/schedule.ts';
import { SharedDatabase } from './test/simulation/shared-database.ts';
import { simulate } from './test/simulation/simulation.ts';
const orig = SqliteConnection.prototype.execute;
const now = performance.now.bind(performance);
const texts = new Map<string, number[]>();
const all = new Set<string>();
let prepares = 0;
const shared = await SharedDatabase.open();
SqliteConnection.prototype.execute = function (sql, values) {
  all.add(sql);
  const b = now();
  const r = orig.call(this, sql, values);
  const e = now() - b;
  if (sql.startsWith('UPDATE taskbaton_task SET owner')) {
    const x = texts.get(sql) ?? [];
    x.push(e * 1000);
    texts.set(sql, x);
  }
  return r;
};
for (let seed = 1; seed < 301; seed++) await simulate(makeSchedule(seed), shared);
console.log('distinct texts', all.size);
for (const [k, x] of texts) {
  x.sort((a, b) => a - b);
  if (x.length > 50)
    console.log(x.length, 'median', x[x.length >> 1], 'p90', x[Math.floor(x.length * 0.9)], k.length);
}
const k = [...texts.keys()].sort((a, b) => texts.get(b)!.length - texts.get(a)!.length)[0];
console.log(k);
