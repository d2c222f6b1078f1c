/** Tasks watched where nobody looks at a screen: a line for each change, as they are found. */
import { sleep } from '../../core/clock.ts';
import type { Task, TaskFilter } from '../../core/task.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Taskbaton } from '../../taskbaton.ts';

/** A task that has changed, or was seen first; undefined once it is gone. */
export interface Change {
  readonly id: number;
  readonly at: Date;
  readonly task: Task | undefined;
}

interface Watched {
  readonly filter: TaskFilter;
  readonly interval: number;
  readonly signal: AbortSignal;
  /** The database's time. */
  readonly now: () => Promise<number>;
}

/** All tasks of the filter as they are, then each that has changed since the look before, the oldest first. */
export async function* changesOf(
  baton: Taskbaton,
  { filter, interval, signal, now }: Watched,
): AsyncGenerator<Change, void, void> {
  let seen = new Map<number, string>();
  while (!signal.aborted) {
    const at = new Date(await now());
    const tasks = await readAll(baton, filter);
    const marks = new Map(tasks.map((task) => [task.id, markOf(task)]));
    for (const task of tasks.toReversed())
      if (seen.get(task.id) !== marks.get(task.id)) yield { id: task.id, at, task };
    for (const id of seen.keys()) if (!marks.has(id)) yield { id, at, task: undefined };
    seen = marks;
    await sleep(systemClock, interval, signal);
  }
}

async function readAll(baton: Taskbaton, filter: TaskFilter): Promise<readonly Task[]> {
  const tasks: Task[] = [];
  let after: number | undefined;
  do {
    const page = await baton.getTasks({ ...filter, after, limit: 1000, redacted: true });
    tasks.push(...page.tasks);
    after = page.next;
  } while (after !== undefined);
  return tasks;
}

/** What is a change, if it is another than before. */
function markOf({ state, progress, group, replica, epoch, attempt }: Task): string {
  return JSON.stringify([state, progress, group, replica, epoch, attempt]);
}
