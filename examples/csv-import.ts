/**
 * The everyday long task: a CSV file goes into a table of the same database, 100 rows at a time. Each batch and its
 * checkpoint are one transaction, so every row is there exactly once, whatever happens in between. It is paused in the
 * middle, the table stands still, and then it goes on from where it was.
 *
 *   node examples/csv-import.ts [sqlite:tasks.db | postgres://… | mysql://…]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTask, Taskbaton, typed } from 'taskbaton';
import { birdstrikesFile, readDataSet } from './support/data-set.ts';
import { runExample, until } from './support/example.ts';
import { openSql } from './support/sql.ts';

const BATCH = 100;

const importCsv = defineTask({
  type: 'import-csv',
  input: typed<{ file: string; table: string }>(),
  context: typed<{ line: number }>(),
  async run({ input: { file, table }, context, signal, transaction }) {
    const { rows } = readDataSet(file);
    for (let line = context?.line ?? 0; line < rows.length; line += BATCH) {
      const batch = rows.slice(line, line + BATCH);
      const next = line + batch.length;
      await transaction(async (tx) => {
        await tx.query(
          `INSERT INTO ${table} (line, airport, species) VALUES ${batch.map(() => '(?, ?, ?)').join(', ')}`,
          batch.flatMap((row, offset) => [line + offset, row[0] ?? '', row[8] ?? '']),
        );
        const message = `${next} of ${rows.length} rows`;
        return { context: { line: next }, progress: next / rows.length, message };
      });
      await sleep(10, undefined, { signal });
    }
  },
});

await runExample(async ({ database, say, check }) => {
  const sql = await openSql(database.db);
  const table = `${database.prefix}strike`;
  // No key: a row that came twice would be there twice.
  await sql.query(`CREATE TABLE ${table} (line INTEGER, airport VARCHAR(255), species VARCHAR(255))`);
  const count = async (): Promise<number> =>
    Number((await sql.query(`SELECT COUNT(*) AS n FROM ${table}`)).rows[0]?.['n']);
  const baton = new Taskbaton({ ...database, tasks: [importCsv] });
  await baton.start();
  const file = birdstrikesFile();
  const total = readDataSet(file).rows.length;
  const id = await baton.createTask(importCsv, { file, table }, { user: 'ada', group: 'imports' });

  await until(async () => ((await baton.getTask(id)).progress ?? 0) > 0.3);
  await baton.pauseTask(id);
  const paused = await until(async () => {
    const task = await baton.getTask(id, { as: importCsv });
    return task.state === 'paused' && task;
  });
  say(`paused: ${paused.message}`);
  const so = await count();
  check('the table has what the checkpoint says', so === paused.context?.line && so < total);

  await baton.runTask(id);
  const { context, attempt } = await baton.taskDone(id, { as: importCsv });
  say(`finished: ${await count()} rows`);
  check(`all ${total} rows are there, once`, (await count()) === total && context?.line === total);
  check('a pause is no new attempt', attempt === 1);
  await baton.stop();
  await sql.close();
});
