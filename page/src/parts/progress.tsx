/** How far a task is, and when it will be done if it goes on as so far. */
import type { TaskView } from '../../../src/dashboard/api.ts';
import { now } from '../live/clock.ts';
import { duration, percent } from '../text/format.ts';
import { text } from '../text/text.ts';

/** Below this, any guess would be wild. */
const LEAST_PROGRESS = 0.005;

/** Whether there is anything to tell: how far it is, or that it moves at all. */
export function hasProgress({ progress, state, replica }: TaskView): boolean {
  return progress !== null || state === 'finished' || replica !== null;
}

export function ProgressBar({ task, large = false }: { task: TaskView; large?: boolean }) {
  const done = task.state === 'finished';
  const share = done ? 1 : task.progress;
  const known = share !== null;
  const moving = task.state === 'running' && task.replica !== null;
  const classes = `progress state-${task.state}${large ? ' large' : ''}${known || !moving ? '' : ' unknown'}`;
  return (
    <div
      class={classes}
      role="progressbar"
      aria-label={text().task.progressOf(String(task.id))}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(known ? { 'aria-valuenow': Math.floor(share * 100) } : {})}
    >
      <div class="progress-fill" style={{ transform: `scaleX(${share ?? 0})` }} />
    </div>
  );
}

export function ProgressText({ task }: { task: TaskView }) {
  if (task.state === 'finished') return <span>{percent(1)}</span>;
  if (task.progress === null) return <span />;
  return <span>{percent(task.progress)}</span>;
}

/** The time it still needs, while it runs. */
export function TimeLeft({ task }: { task: TaskView }) {
  const left = timeLeft(task, now.value);
  if (left === undefined) return null;
  return <span class="time-left">{text().task.left(duration(Math.ceil(left / 1000) * 1000))}</span>;
}

function timeLeft(task: TaskView, at: number): number | undefined {
  const { progress, startedAt } = task;
  if (task.state !== 'running' || task.replica === null || startedAt === null) return undefined;
  if (progress === null || progress < LEAST_PROGRESS || progress >= 1) return undefined;
  const worked = workedTime(task, at);
  return (worked * (1 - progress)) / progress;
}

/** What it has worked in all, the present stint included. */
export function workedTime(task: TaskView, at: number): number {
  const runs = task.replica !== null && task.startedAt !== null;
  return task.worked + (runs ? Math.max(0, at - Date.parse(task.startedAt ?? '')) : 0);
}
