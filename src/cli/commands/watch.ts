/** The command that shows tasks while they run. */
import { milliseconds } from '../../core/duration.ts';
import type { Task } from '../../core/task.ts';
import { type Command, command } from '../command.ts';
import type { Result } from '../result.ts';
import type { Exit } from '../exit.ts';
import { FILTER } from '../options.ts';
import { usage } from '../parse.ts';
import { type Line, safeJson, TAB } from '../screen/line.ts';
import { percent } from '../screen/bar.ts';
import type { Session } from '../session.ts';
import { statePiece, taskLines } from '../view/task.ts';
import { type Change, changesOf } from '../watch/changes.ts';
import { type WatchedTasks, Watcher } from '../watch/watcher.ts';
import { filterOf } from './tasks.ts';

export const watch: Command = command({
  name: 'watch',
  section: 'Tasks',
  summary: 'Shows tasks and replicas while they work; keys pause, run and delete.',
  about:
    'Given a task, it ends with it: with exit code 0 if it has finished, 1 if it has failed. Where nobody looks at a screen, it prints a line for each change that it finds.',
  arguments: { id: { kind: 'id', optional: true, about: 'One task only.' } },
  options: {
    ...FILTER,
    interval: { kind: 'duration', value: 'TIME', about: 'How often to look; 1s.' },
  },
  examples: ['watch', 'watch 42', 'watch -g imports', 'watch --json | jq -c .state'],
  async run({ id, interval = '1s', ...filter }, session) {
    const watched: WatchedTasks = { id, filter: filterOf(filter), interval: milliseconds(interval) ?? 1000 };
    if (watched.interval < 100) throw usage('--interval is too short: it must be at least 100ms', watch);
    if (session.live && session.host.stdin.isTTY) return watchLive(session, watched);
    return id === undefined ? printChanges(session, watched) : printOne(session, id);
  },
});

async function watchLive(session: Session, watched: WatchedTasks): Promise<Result> {
  const baton = await session.baton();
  const { label } = await session.place();
  const task = await new Watcher(session, baton, label, watched).run();
  if (task === undefined) return nothing(watched.id === undefined ? 'ok' : 'interrupted');
  return { json: task, show: (screen) => taskLines(task, screen), exit: exitFor(task) };
}

function exitFor({ state }: Task): Exit {
  return state === 'failed' ? 'failure' : 'ok';
}

function nothing(exit: Exit): Result {
  return { json: undefined, show: () => [], exit };
}

async function printChanges(
  session: Session,
  { filter, interval }: WatchedTasks,
): Promise<Result | undefined> {
  const ending = new AbortController();
  const off = session.host.onSignal(() => ending.abort());
  try {
    const baton = await session.baton();
    const now = (): Promise<number> => session.now();
    for await (const change of changesOf(baton, { filter, interval, signal: ending.signal, now }))
      printChange(session, change);
    return undefined;
  } finally {
    off();
  }
}

/** One task by itself: hints tell of its changes, so nothing is waited for. */
async function printOne(session: Session, id: number): Promise<Result> {
  const ending = new AbortController();
  const off = session.host.onSignal(() => ending.abort(new Error('ended by a signal')));
  try {
    const baton = await session.baton();
    let last: Task | undefined;
    for await (const task of baton.watchTask(id, { signal: ending.signal })) {
      printChange(session, { id, at: new Date(await session.now()), task });
      last = task;
    }
    if (last !== undefined && (last.state === 'finished' || last.state === 'failed'))
      return nothing(exitFor(last));
    printChange(session, { id, at: new Date(await session.now()), task: undefined });
    return nothing('missing');
  } catch (error) {
    if (ending.signal.aborted) return nothing('interrupted');
    throw error;
  } finally {
    off();
  }
}

function printChange(session: Session, { id, at, task }: Change): void {
  const screen = session.screen();
  if (session.json) {
    const { state, type, progress, user, group, replica, epoch, attempt } = task ?? {};
    const gone = task === undefined ? { state: 'gone' } : {};
    session.host.stdout.write(
      `${safeJson({ at, id, type, state, progress, user, group, replica, epoch, attempt, ...gone })}\n`,
    );
    return;
  }
  const cells: readonly Line[] = [
    [at.toISOString()],
    [`${id}`],
    [task?.type ?? ''],
    task === undefined ? ['gone'] : screen.live ? statePiece(task.state) : [task.state],
    [screen.live ? percent(task?.progress) : `${task?.progress ?? ''}`],
    [task?.user ?? ''],
    [task?.group ?? ''],
    [task?.replica ?? ''],
  ];
  screen.print([cells.flatMap((cell, index): Line => (index === 0 ? cell : [TAB, ...cell]))]);
}
