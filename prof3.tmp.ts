import { DatabaseSync } from 'node:sqlite';
import { Store } from './src/store/store.ts';
import { openDatabase } from './src/database/open.ts';
import { systemClock } from './src/runtime/clock.ts';
const h = new DatabaseSync(':memory:');
h.function('simulated_now', () => 5);
await new Store(await openDatabase(h, { clock: systemClock }), 'taskbaton_').prepare(true);
const base = `UPDATE taskbaton_task SET owner = ?, epoch = epoch + 1, queue = NULL, status = CASE status WHEN 'pending/run' THEN 'running/run' ELSE status END WHERE status IN ('pending/run', 'paused/run') AND id IN (SELECT id FROM taskbaton_task WHERE queue = 'cleanup' AND lane = 0 AND (type IN (?, ?, ?) AND version BETWEEN 1 AND 1)
      ORDER BY precedence, turn, id LIMIT ? ) `;
const ex = `AND EXISTS (SELECT 1 FROM taskbaton_rule_version v JOIN taskbaton_replica r ON r.id = v.replica WHERE v.replica = ? AND v.version = ? AND r.lease_until > simulated_now() )`;
const ret = ` RETURNING id, type, version`;
function time(name: string, sql: string, args: any[]) {
  const s = h.prepare(sql);
  for (let i = 0; i < 500; i++) s.all(...args);
  let t = performance.now();
  for (let i = 0; i < 5000; i++) s.all(...args);
  const run = (performance.now() - t) / 5;
  t = performance.now();
  for (let i = 0; i < 1000; i++) h.prepare(sql);
  const prep = performance.now() - t;
  console.log(name, 'run us', run.toFixed(1), 'prepare us', prep.toFixed(1));
}
time('full', base + ex + ret, ['a', 'x', 'y', 'z', 1, 'r', 1]);
time('noret', base + ex, ['a', 'x', 'y', 'z', 1, 'r', 1]);
time('noexists', base + ret, ['a', 'x', 'y', 'z', 1]);
time('nolimit var', (base + ret).replace('LIMIT ?', 'LIMIT 1'), ['a', 'x', 'y', 'z']);
time('notypes', (base + ret).replace('(?, ?, ?)', `('a','b')`), ['a', 1]);
h.exec(`CREATE TEMP TRIGGER t AFTER UPDATE ON taskbaton_task BEGIN SELECT simulated_now(); END`);
time('full+trigger', base + ex + ret, ['a', 'x', 'y', 'z', 1, 'r', 1]);
