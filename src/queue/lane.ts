/**
 * A lane as a round reads it, from its beginning and no further than it is needed. One that gave a task and is full now is
 * left as it is where others come first: by the time it is read again, there may be room. So it needs no closing and opening.
 */
import { FIRST_TASKS, type LaneRow, type WaitingTask } from './lanes.ts';

/** How far the lanes below a node have been read. */
export interface Reach {
  last: LaneRow | undefined;
  whole: boolean;
}

export class Lane {
  readonly row: LaneRow;
  readonly #reach: Readonly<Reach>;
  #tasks: readonly WaitingTask[];
  #index = 0;
  #whole: boolean;

  constructor(row: LaneRow, reach: Readonly<Reach>) {
    this.row = row;
    this.#reach = reach;
    this.#tasks = row.first;
    this.#whole = row.first.length < FIRST_TASKS;
  }

  /** Its next task, as far as it has been read. */
  get head(): WaitingTask | undefined {
    return this.#tasks[this.#index];
  }

  /** Whether it's known that there is no further task. */
  get empty(): boolean {
    return this.#whole && this.head === undefined;
  }

  get picked(): readonly WaitingTask[] {
    return this.#tasks.slice(0, this.#index);
  }

  take(): void {
    this.#index += 1;
  }

  /** Whether it would be read again before others that haven't been, so that it is in the way if it has no room. */
  get comesSoon(): boolean {
    const { last, whole } = this.#reach;
    return whole || last === undefined || this.head === undefined || !isBehind(this.head, last);
  }

  /** Whether it should be read on before its head is taken. */
  get short(): boolean {
    return !this.#whole && this.#tasks.length - this.#index <= 1;
  }

  /** How many of its tasks have been read. */
  get known(): number {
    return this.#tasks.length;
  }

  /** More of its tasks, out of a page of `limit`. */
  add(tasks: readonly WaitingTask[], limit: number): void {
    this.#whole = tasks.length < limit;
    this.#tasks = [...this.#tasks, ...tasks];
  }
}

/** Whether a task comes after lanes at `place`, however those of one millisecond are sorted. */
function isBehind(task: WaitingTask, place: LaneRow): boolean {
  return (
    task.precedence > place.precedence || (task.precedence === place.precedence && task.turn > place.turn)
  );
}
