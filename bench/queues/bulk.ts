/** Pausing very many tasks at once, half of them running in a replica: until all are marked, and until all have stopped. */
import { once } from 'node:events';
import { defineTask, Taskbaton } from '../../src/index.ts';
import { type Place, withPrefix } from './place.ts';
import type { Result, Scale } from './result.ts';

export async function* measureBulk(place: Place, { runs, paused }: Scale): AsyncGenerator<Result> {
  const marked: number[] = [];
  const settled: number[] = [];
  for (let run = 0; run < runs; run++) {
    const times = await withPrefix(place, (prefix) => pauseAll(place, prefix, paused));
    marked.push(times.marked);
    settled.push(times.settled);
  }
  const many = `${paused.toLocaleString('en')} tasks, half of them running`;
  yield { name: `pause ${many}: until marked`, unit: 'ms', runs: marked, target: 1000, below: true };
  yield { name: `pause ${many}: until all have stopped`, unit: 'ms', runs: settled };
}

async function pauseAll(
  place: Place,
  prefix: string,
  count: number,
): Promise<{ readonly marked: number; readonly settled: number }> {
  let running = 0;
  const started = Promise.withResolvers<void>();
  const task = defineTask({
    type: 'endless',
    async run({ signal }) {
      if (++running === count / 2) started.resolve();
      if (!signal.aborted) await once(signal, 'abort');
    },
  });
  const baton = new Taskbaton({
    db: place.url,
    prefix,
    tasks: [task],
    concurrency: count / 2,
    logger: null,
  });
  for (let created = 0; created < count; created += 500)
    await Promise.all(Array.from({ length: 500 }, () => baton.createTask(task, undefined)));
  await baton.start();
  await started.promise;
  const begun = performance.now();
  const change = await baton.pauseTasks({ types: [task.type] });
  const marked = performance.now() - begun;
  if (change.changed !== count) throw new Error(`${change.changed} of ${count} tasks were paused`);
  await change.settled();
  const settled = performance.now() - begun;
  await baton.stop();
  return { marked, settled };
}
