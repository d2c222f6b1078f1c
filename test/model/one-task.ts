/**
 * One task and whoever has to do with it, as a sequential specification: what each call does and answers when nothing
 * else happens meanwhile. It says once more, in a few lines, what the store does in many: the table, the fence, the lease.
 */
import {
  type Event,
  LEASED,
  type PublicState,
  STATUS,
  type Status,
  transition,
  type UserEvent,
} from '../../src/core/status.ts';
import type { Specification } from './linearizability.ts';

/** Calls are made by clients, who are users and replicas in one; each write goes by the fence of the client's last claim. */
export type Operation =
  | { readonly call: UserEvent }
  | { readonly call: 'get' | 'rescue' }
  | { readonly call: 'move'; readonly group: string }
  | { readonly call: 'claim'; readonly replica: string; readonly queue: 'run' | 'cleanup' }
  | { readonly call: 'report'; readonly replica: string; readonly epoch: number; readonly context: string }
  | { readonly call: 'end'; readonly replica: string; readonly epoch: number; readonly event: Ending }
  | { readonly call: 'die'; readonly replica: string };

export type Ending = 'finish' | 'fail' | 'yield' | 'snooze';

/** `changed`, `held`, `stored` and so on; for a claim its epoch, for a look what was seen. */
export type Result = string | number;

export interface OneTask {
  readonly status: Status | 'removed';
  readonly group: string;
  readonly context: string | null;
  readonly epoch: number;
  readonly owner: string | null;
  readonly crashes: number;
  readonly budget: number;
  readonly dead: readonly string[];
}

export const RUN_BUDGET = 1;
export const CLEANUP_BUDGET = 3;

export const NEW_TASK: OneTask = {
  status: 'pending/run',
  group: '',
  context: null,
  epoch: 0,
  owner: null,
  crashes: 0,
  budget: 0,
  dead: [],
};

/** With `locks`, whoever claims or rescues may pass over the task because somebody else has locked it. */
export function oneTask(locks: boolean): Specification<OneTask, Operation, Result> {
  return {
    initial: NEW_TASK,
    after(task, operation, result) {
      const passedOver = locks && (operation.call === 'claim' || operation.call === 'rescue') && result === 0;
      if (passedOver) return task;
      const [next, answer] = perform(task, operation);
      return answer === result ? next : undefined;
    },
  };
}

function perform(task: OneTask, operation: Operation): readonly [OneTask, Result] {
  const { status } = task;
  switch (operation.call) {
    case 'run':
    case 'pause':
    case 'delete':
      return change(task, operation.call);
    case 'move':
      return status === 'removed' ? [task, 'missing'] : [{ ...task, group: operation.group }, 'moved'];
    case 'get':
      return [task, status === 'removed' ? 'missing' : seen(STATUS[status].shows, task.group, task.context)];
    case 'claim': {
      const waits = status !== 'removed' && STATUS[status].waits?.queue === operation.queue;
      if (!waits || task.dead.includes(operation.replica)) return [task, 0];
      const epoch = task.epoch + 1;
      const budget = operation.queue === 'run' ? RUN_BUDGET : CLEANUP_BUDGET;
      return [{ ...moved(task, 'claim'), owner: operation.replica, epoch, budget }, epoch];
    }
    case 'report': {
      const { context } = operation;
      return isFenced(task, operation) ? [{ ...task, context }, 'stored'] : [task, 'lost'];
    }
    case 'end': {
      const { event } = operation;
      return isFenced(task, operation) ? [moved(task, event), 'stored'] : [task, 'lost'];
    }
    case 'die':
      return [{ ...task, dead: [...task.dead, operation.replica] }, 'dead'];
    case 'rescue': {
      if (task.owner === null || !task.dead.includes(task.owner)) return [task, 0];
      const event = task.crashes < task.budget ? 'recover' : 'expire';
      return [{ ...moved(task, event), crashes: task.crashes + 1 }, 1];
    }
  }
}

function change(task: OneTask, event: UserEvent): readonly [OneTask, Result] {
  const { status } = task;
  if (status === 'removed') return [task, 'missing'];
  const target = transition(status, event);
  if (target === undefined) return [task, `conflict in ${status}`];
  if (target === status) return [task, 'held'];
  const anew = event === 'delete' || (event === 'run' && status === 'failed/run');
  return [{ ...moved(task, event), ...(anew ? { crashes: 0 } : {}) }, 'changed'];
}

function moved(task: OneTask, event: Event): OneTask {
  const status = task.status === 'removed' ? undefined : transition(task.status, event);
  if (status === undefined) return task;
  const held = status !== 'removed' && LEASED.includes(status);
  return { ...task, status, owner: held ? task.owner : null };
}

function isFenced(
  { owner, epoch, status }: OneTask,
  fence: { readonly replica: string; readonly epoch: number },
): boolean {
  return status !== 'removed' && owner === fence.replica && epoch === fence.epoch;
}

export function seen(state: PublicState, group: string, context: string | null): string {
  return `${state} in '${group}' with ${context ?? 'nothing'}`;
}
