/**
 * Tasks that a running task has others do a part of its work with. While it waits for them it has no slot, and comes
 * back from its last checkpoint once all are done.
 */
import type { TaskDeclaration, Untyped } from './declaration.ts';
import type { NewTaskItem, Task } from './task.ts';

/** What becomes of a parent whose child has failed for good; `retry` runs the child again. */
export type ChildFailure = 'fail' | 'ignore' | 'retry';

export interface ChildrenDoneOptions<Given = Untyped, Input = Untyped, Context = Untyped> {
  /**
   * Whether a failed child fails its parent (the default) or is left out, or a function that is asked for each of them.
   */
  readonly onFailure?:
    | Exclude<ChildFailure, 'retry'>
    | ((child: Task<Given, Context>) => ChildFailure | Promise<ChildFailure>)
    | undefined;
  /** The definition or declaration that all of them were created with: gives them their types, and is checked. */
  readonly as?: TaskDeclaration<Given, Input, Context> | undefined;
}

/** One of the children to create. */
export type NewChild = Omit<NewTaskItem, 'parent'>;

/** What a handler does with its task's children. */
export interface Children<Report> {
  /**
   * Creates children, and stores the report that is given with them: both or neither, so that a handler that goes on
   * from that checkpoint doesn't create them again. Resolves to their ids. Rejects as `createTasks` and `report` do, but with
   * a `TaskStopped` before anything is written where the task is asked to pause or to go.
   */
  readonly create: (items: readonly NewChild[], report?: Report) => Promise<readonly number[]>;
  /**
   * Resolves to the children that have finished, in the order of their creation, once all have ended. Until then it gives
   * the slot back: it rejects with a `TaskStopped`, which must pass through, and when all have ended the handler runs
   * again from its last checkpoint. Throws CHILD_FAILED.
   */
  readonly done: <Given = Untyped, Input = Untyped, Context = Untyped>(
    options?: ChildrenDoneOptions<Given, Input, Context>,
  ) => Promise<readonly Task<Given, Context>[]>;
}
