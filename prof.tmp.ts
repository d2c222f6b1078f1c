import { SqliteConnection } from './src/database/sqlite-connection.ts';
import { makeSchedule } from './test/simulation/themes.ts';
import { SharedDatabase } from './test/simulation/shared-database.ts';
import { simulate } from './test/simulation/simulation.ts';
const orig = SqliteConnection.prototype.execute;
const t = new Map<string, [number, number]>();
SqliteConnection.prototype.execute = function (sql, values) {
  const b = performanceNow();
  try {
    return orig.call(this, sql, values);
  } finally {
    const e = performanceNow() - b;
    const k = sql.replace(/\s+/g, ' ').slice(0, 90);
    const x = t.get(k) ?? [0, 0];
    x[0] += e;
    x[1]++;
    t.set(k, x);
  }
};
const performanceNow = performance.now.bind(performance);
const shared = await SharedDatabase.open();
const b = performanceNow();
for (let seed = 1; seed < 1001; seed++) await simulate(makeSchedule(seed), shared);
console.log('wall ms per seed', (performanceNow() - b) / 1000);
let sum = 0;
for (const [, [a]] of t) sum += a;
console.log('sql ms/seed', sum / 1000);
for (const [k, [a, n]] of [...t].sort((x, y) => y[1][0] - x[1][0]).slice(0, 25))
  console.log((a / 1000).toFixed(3), (n / 1000).toFixed(1), ((a / n) * 1000).toFixed(1) + 'us', k);
