/**
 * The everyday long task: a CSV file goes into a table, 100 rows at a time. It is paused in the middle, the table stands
 * still, and then it goes on from where it was.
 *
 * The rows and the checkpoint are not written in one transaction (here they are not even in the same database), so a crash
 * between the two does a batch again. That's why a row has a key, and a row that is there already is left alone.
 *
 *   node examples/csv-import.ts [sqlite:tasks.db | postgres://… | mysql://…]
 */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTask, Taskbaton, typed } from 'taskbaton';
import { birdstrikesFile, readDataSet } from './support/data-set.ts';
import { runExample, until } from './support/example.ts';

const BATCH = 100;

const table = new DatabaseSync(':memory:');
table.exec(
  'CREATE TABLE strike (line INTEGER PRIMARY KEY, airport TEXT, aircraft TEXT, species TEXT, cost INTEGER)',
);
const insert = table.prepare('INSERT OR IGNORE INTO strike VALUES (?, ?, ?, ?, ?)');

function load(rows: readonly (readonly string[])[], first: number): void {
  table.exec('BEGIN');
  for (const [offset, row] of rows.entries()) {
    const [airport = '', aircraft = '', species = '', cost = '0'] = [row[0], row[1], row[8], row[12]];
    insert.run(first + offset, airport, aircraft, species, Number(cost));
  }
  table.exec('COMMIT');
}

const importCsv = defineTask({
  type: 'import-csv',
  input: typed<{ file: string }>(),
  context: typed<{ line: number }>(),
  async *run({ input, context, signal }) {
    const { rows } = readDataSet(input.file);
    for (let line = context?.line ?? 0; line < rows.length;) {
      const batch = rows.slice(line, line + BATCH);
      load(batch, line);
      line += batch.length;
      yield { context: { line }, progress: line / rows.length, message: `${line} of ${rows.length} rows` };
      await sleep(10, undefined, { signal });
    }
  },
});

await runExample(async ({ database, say, check }) => {
  const baton = new Taskbaton({ ...database, tasks: [importCsv] });
  await baton.start();
  const file = birdstrikesFile();
  const total = readDataSet(file).rows.length;
  const id = await baton.createTask(importCsv, { file }, { user: 'ada', group: 'imports' });
  const count = (): number => Number(table.prepare('SELECT COUNT(*) AS n FROM strike').get()?.['n']);

  await until(async () => ((await baton.getTask(id)).progress ?? 0) > 0.3);
  await baton.pauseTask(id);
  const paused = await until(async () => {
    const task = await baton.getTask(id, { as: importCsv });
    return task.state === 'paused' && task;
  });
  say(`paused: ${paused.message}`);
  check('the table has what the checkpoint says', count() === paused.context?.line && count() < total);

  await baton.runTask(id);
  const { context, attempt } = await until(async () => {
    const task = await baton.getTask(id, { as: importCsv });
    return task.state === 'finished' && task;
  });
  say(`finished: ${count()} rows`);
  check(`all ${total} rows are there, once`, count() === total && context?.line === total);
  check('a pause is no new attempt', attempt === 1);
  await baton.stop();
  table.close();
});
