/**
 * Tasks that come again and again, by an interval and by a cron expression, fired by two processes' worth of schedules at
 * once: each occurrence is created once.
 *
 *   node examples/schedule.ts [sqlite:tasks.db | postgres://… | mysql://…]
 */
import { defineTask, Taskbaton, typed } from 'taskbaton';
import { Schedules } from 'taskbaton/cron';
import { runExample, until } from './support/example.ts';

const tick = defineTask({
  type: 'tick',
  input: typed<{ from: string }>(),
  run: async () => undefined,
});

await runExample(async ({ database, say, check }) => {
  const baton = new Taskbaton({ ...database, tasks: [tick] });
  await baton.start();
  const [one, other] = [new Schedules(baton), new Schedules(baton)];
  await one.set('every second', { task: tick, input: { from: 'interval' }, every: '1s', user: 'ada' });
  await one.set('new year', { task: tick, input: { from: 'cron' }, cron: '0 0 1 1 *', zone: 'Asia/Tokyo' });
  const first = (await one.get('every second')).nextAt;
  await Promise.all([one.start(), other.start()]);
  await until(async () => (await baton.getTasks({ user: 'ada' })).tasks.length >= 3);
  await one.pause('every second');
  const last = (await other.get('every second')).lastAt;
  const { tasks } = await baton.getTasks({ user: 'ada' });
  const seconds = (Number(last) - Number(first)) / 1000 + 1;
  say(`${tasks.length} tasks in ${seconds} seconds`);
  check('each second has one task at most, though two were firing', tasks.length <= seconds);
  await one.remove('every second');
  const { nextAt } = await other.get('new year');
  say(`the next new year in Tokyo is ${nextAt?.toISOString()}`);
  check('a new year begins in Tokyo at 15:00 UTC', nextAt?.getUTCHours() === 15);
  const task = await baton.taskDone(await other.trigger('new year'), { as: tick });
  check('and can be had earlier', task.input.from === 'cron');
  await Promise.all([one.stop(), other.stop()]);
  await baton.stop();
});
