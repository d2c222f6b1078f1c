/**
 * What a live view knows at any moment: the system at a glance, the tasks that fit, those that have just gone, how fast
 * each gets on, which one is selected, and what is being asked. It changes by looks and keys; drawing only reads it.
 */
import type { Overview } from '../../core/overview.ts';
import type { Replica } from '../../core/replica.ts';
import type { Task } from '../../core/task.ts';

/** What was read at one moment. */
export interface Look {
  readonly overview: Overview;
  readonly tasks: readonly Task[];
  /** What became of those that were shown before and don't fit any more; undefined of those that are gone. */
  readonly left: ReadonlyMap<number, Task | undefined>;
}

/** A replica that was there a moment ago. */
export interface Gone {
  readonly replica: Replica;
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
}

/** A task as the view shows it. */
export interface Row {
  readonly task: Task;
  /** Milliseconds that it will still take, as it got on while it was watched. */
  readonly remaining: number | undefined;
  /** It doesn't fit any more, and is shown a moment longer so that nobody wonders where it is. */
  readonly leaving: boolean;
  /** It isn't there any more. */
  readonly gone: boolean;
}

/** What a key is asked for before it is done. */
export interface Question {
  readonly text: string;
  readonly yes: () => Promise<string>;
}

interface Pace {
  readonly attempt: number;
  readonly progress: number;
  readonly at: number;
}

const REPLICAS_REMEMBERED = 10_000;
const TASKS_REMEMBERED = 3000;

export class Scene {
  overview: Overview | undefined;
  rows: readonly Row[] = [];
  gone: readonly Gone[] = [];
  selected: number | undefined;
  details = false;
  /** The selected one as the details show it; undefined while nothing is known of it. */
  shown: Task | undefined;
  finished = false;
  question: Question | undefined;
  /** What was done last, or why something could not be done. */
  notice: { readonly text: string; readonly bad: boolean } | undefined;
  /** Why the database could not be read at the last look. */
  trouble: string | undefined;
  readonly #paces = new Map<number, Pace>();
  /** When those were seen to have left that are still shown. */
  readonly #leftAt = new Map<number, number>();

  /** Takes in what was read; `now` is the monotonic clock. */
  see({ overview, tasks, left }: Look, now: number): void {
    this.#seeReplicas(overview.replicas, now);
    this.overview = overview;
    this.trouble = undefined;
    this.#seeTasks(tasks, left, now);
    if (!this.rows.some(({ task }) => task.id === this.selected)) this.selected = this.rows[0]?.task.id;
  }

  get current(): Row | undefined {
    return this.rows.find(({ task }) => task.id === this.selected);
  }

  /** Selects the task `step` rows further down. */
  move(step: number): void {
    const at = this.rows.findIndex(({ task }) => task.id === this.selected);
    const next = Math.min(this.rows.length - 1, Math.max(0, at + step));
    this.selected = this.rows[next]?.task.id;
  }

  #seeReplicas(alive: readonly Replica[], now: number): void {
    const ids = new Set(alive.map(({ id }) => id));
    const left = (this.overview?.replicas ?? []).filter(({ id }) => !ids.has(id));
    this.gone = [
      ...this.gone.filter(({ at }) => now - at < REPLICAS_REMEMBERED),
      ...left.map((replica) => ({ replica, at: now })),
    ];
  }

  #seeTasks(tasks: readonly Task[], left: Look['left'], now: number): void {
    const ids = new Set(tasks.map(({ id }) => id));
    for (const [id] of left) this.#leftAt.set(id, now);
    const leaving = this.rows
      .filter(({ task }) => !ids.has(task.id) && now - (this.#leftAt.get(task.id) ?? 0) < TASKS_REMEMBERED)
      .map((row): Row => {
        const last = left.get(row.task.id);
        const gone = left.has(row.task.id) ? last === undefined : row.gone;
        return { task: last ?? row.task, remaining: undefined, leaving: true, gone };
      });
    for (const id of this.#leftAt.keys())
      if (!leaving.some(({ task }) => task.id === id)) this.#leftAt.delete(id);
    const rows = tasks.map((task): Row => {
      return { task, remaining: this.#estimate(task, now), leaving: false, gone: false };
    });
    const places = new Map(this.rows.map(({ task }, index) => [task.id, index]));
    this.rows = insertAt(rows, leaving, places);
  }

  /** By the pace since it was first seen in this attempt; undefined while nothing is known. */
  #estimate({ id, state, progress, attempt }: Task, now: number): number | undefined {
    if (state !== 'running' || progress === undefined) {
      this.#paces.delete(id);
      return undefined;
    }
    const first = this.#paces.get(id);
    if (first === undefined || first.attempt !== attempt || first.progress > progress) {
      this.#paces.set(id, { attempt, progress, at: now });
      return undefined;
    }
    const made = progress - first.progress;
    return made <= 0 ? undefined : ((1 - progress) * (now - first.at)) / made;
  }
}

/** Those that leave stay where they were for a moment, so that nothing jumps. */
function insertAt(
  rows: readonly Row[],
  leaving: readonly Row[],
  places: ReadonlyMap<number, number>,
): readonly Row[] {
  const all = [...rows];
  for (const row of leaving) all.splice(places.get(row.task.id) ?? all.length, 0, row);
  return all;
}
