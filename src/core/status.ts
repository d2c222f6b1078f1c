/**
 * The life of a task as one table of data: (state, mark) × event → status. Transitions, public states, queues,
 * leases, list filters, SQL, docs and tests are all derived from it; nothing else knows what may follow what.
 */

/** Where a task is. */
export type State =
  | 'init'
  | 'pending'
  | 'running'
  | 'waiting'
  | 'deleting'
  | 'paused'
  | 'finished'
  | 'failed';
/** What was asked for it. */
export type Mark = 'none' | 'run' | 'pause' | 'delete';

/** The pairs of state and mark that exist. */
export type Status =
  | 'init/none'
  | 'pending/run'
  | 'pending/delete'
  | 'running/run'
  | 'running/pause'
  | 'running/delete'
  | 'deleting/delete'
  | 'waiting/run'
  | 'waiting/delete'
  | 'paused/run'
  | 'paused/delete'
  | 'paused/pause'
  | 'finished/run'
  | 'failed/run'
  | 'failed/delete';

export type UserEvent = 'run' | 'pause' | 'delete';
export type SystemEvent = 'claim' | 'unclaim' | 'yield' | 'recover' | 'expire' | 'retry' | 'wake';
export type TaskEvent = 'finish' | 'fail' | 'snooze' | 'wait';
/** The only cause of a change. */
export type Event = UserEvent | SystemEvent | TaskEvent;

/** What users see. `deleting` is shown on request only: to everybody else a task asked to go is gone. */
export type PublicState =
  | 'init'
  | 'pending'
  | 'running'
  | 'canceling'
  | 'waiting'
  | 'paused'
  | 'finished'
  | 'failed'
  | 'deleting';

/** The two lists of waiting tasks: those to run and those to clean up. Until it is due, a task waits in neither. */
export type QueueName = 'run' | 'cleanup';
export const QUEUES: readonly QueueName[] = ['run', 'cleanup'];

/** Where an event leads: a status, or out of the database. */
export type Target = Status | 'removed';

interface StatusRow {
  readonly shows: PublicState;
  /** The queue it waits in; `ahead` if it goes before all that queued up there, because it was running already. */
  readonly waits?: { readonly queue: QueueName; readonly ahead: boolean };
  /** It is in the memory of a replica, which holds it by its lease. */
  readonly leased?: true;
  /** A target equal to the row itself is a no-op: what was asked for holds already. */
  readonly on: Readonly<Partial<Record<Event, Target>>>;
}

export const STATUS: Readonly<Record<Status, StatusRow>> = {
  'init/none': {
    shows: 'init',
    on: { run: 'pending/run', pause: 'paused/pause', delete: 'removed' },
  },
  'pending/run': {
    shows: 'pending',
    waits: { queue: 'run', ahead: false },
    on: { run: 'pending/run', pause: 'paused/pause', delete: 'pending/delete', claim: 'running/run' },
  },
  'running/run': {
    shows: 'running',
    leased: true,
    on: {
      run: 'running/run',
      pause: 'running/pause',
      delete: 'running/delete',
      unclaim: 'pending/run',
      yield: 'paused/run',
      recover: 'paused/run',
      expire: 'failed/run',
      finish: 'finished/run',
      fail: 'failed/run',
      snooze: 'pending/run',
      wait: 'waiting/run',
      retry: 'pending/run',
    },
  },
  'running/pause': {
    shows: 'canceling',
    leased: true,
    on: {
      run: 'running/run',
      pause: 'running/pause',
      delete: 'running/delete',
      unclaim: 'paused/pause',
      yield: 'paused/pause',
      recover: 'paused/pause',
      expire: 'paused/pause',
      finish: 'finished/run',
      fail: 'failed/run',
      snooze: 'paused/pause',
      wait: 'paused/pause',
      retry: 'paused/pause',
    },
  },
  'running/delete': {
    shows: 'canceling',
    leased: true,
    on: {
      delete: 'running/delete',
      unclaim: 'pending/delete',
      yield: 'pending/delete',
      recover: 'pending/delete',
      expire: 'pending/delete',
      finish: 'pending/delete',
      fail: 'pending/delete',
      snooze: 'pending/delete',
      wait: 'pending/delete',
      retry: 'pending/delete',
    },
  },
  // It gave its slot back until its children are done (to be cleaned up: until they are gone).
  'waiting/run': {
    shows: 'waiting',
    on: { run: 'waiting/run', pause: 'paused/pause', delete: 'pending/delete', wake: 'paused/run' },
  },
  'waiting/delete': {
    shows: 'deleting',
    on: { delete: 'waiting/delete', wake: 'paused/delete' },
  },
  'paused/run': {
    shows: 'running',
    waits: { queue: 'run', ahead: true },
    on: { run: 'paused/run', pause: 'paused/pause', delete: 'pending/delete', claim: 'running/run' },
  },
  'paused/pause': {
    shows: 'paused',
    on: { run: 'pending/run', pause: 'paused/pause', delete: 'pending/delete' },
  },
  'finished/run': {
    shows: 'finished',
    on: { delete: 'pending/delete' },
  },
  'failed/run': {
    shows: 'failed',
    on: { run: 'pending/run', delete: 'pending/delete' },
  },
  'pending/delete': {
    shows: 'deleting',
    waits: { queue: 'cleanup', ahead: false },
    on: { delete: 'pending/delete', claim: 'deleting/delete' },
  },
  'deleting/delete': {
    shows: 'deleting',
    leased: true,
    on: {
      delete: 'deleting/delete',
      unclaim: 'pending/delete',
      yield: 'paused/delete',
      recover: 'paused/delete',
      expire: 'failed/delete',
      finish: 'removed',
      fail: 'failed/delete',
      snooze: 'pending/delete',
      wait: 'waiting/delete',
    },
  },
  'paused/delete': {
    shows: 'deleting',
    waits: { queue: 'cleanup', ahead: true },
    on: { delete: 'paused/delete', claim: 'deleting/delete' },
  },
  'failed/delete': {
    shows: 'deleting',
    on: { delete: 'pending/delete', retry: 'pending/delete' },
  },
};

export const STATUSES: readonly Status[] = Object.keys(STATUS) as Status[];

export const USER_EVENTS: readonly UserEvent[] = ['run', 'pause', 'delete'];
export const SYSTEM_EVENTS: readonly SystemEvent[] = [
  'claim',
  'unclaim',
  'yield',
  'recover',
  'expire',
  'retry',
  'wake',
];
export const TASK_EVENTS: readonly TaskEvent[] = ['finish', 'fail', 'snooze', 'wait'];
export const EVENTS: readonly Event[] = [...USER_EVENTS, ...SYSTEM_EVENTS, ...TASK_EVENTS];

/** Where `event` leads from `status`; undefined where it makes no sense. */
export function transition(status: Status, event: Event): Target | undefined {
  return STATUS[status].on[event];
}

/** An arrow of the table that changes something. */
export interface Arrow {
  readonly from: Status;
  readonly to: Target;
}

const ARROWS: Readonly<Record<Event, readonly Arrow[]>> = Object.fromEntries(
  EVENTS.map((event) => {
    const targets = STATUSES.map((from) => ({ from, to: transition(from, event) }));
    return [event, targets.filter(({ from, to }) => to !== undefined && to !== from)];
  }),
) as unknown as Readonly<Record<Event, readonly Arrow[]>>;

/** All changes that `event` can cause; no-ops are left out. */
export function arrows(event: Event): readonly Arrow[] {
  return ARROWS[event];
}

export function stateOf(status: Status): State {
  return status.slice(0, status.indexOf('/')) as State;
}

export function markOf(status: Status): Mark {
  return status.slice(status.indexOf('/') + 1) as Mark;
}

/** Whether an ending may remove the record at `target` at once: never while a delete, and so a cleanup, is due. */
export function removable(target: Target): boolean {
  return target === 'finished/run' || target === 'failed/run';
}

/** The statuses behind a public state. */
export function showing(state: PublicState): readonly Status[] {
  return STATUSES.filter((status) => STATUS[status].shows === state);
}

/** The statuses in which a replica holds the task. */
export const LEASED: readonly Status[] = STATUSES.filter((status) => STATUS[status].leased === true);

/** The public states in their order of life. */
export const PUBLIC_STATES: readonly PublicState[] = [
  'init',
  'pending',
  'running',
  'canceling',
  'waiting',
  'paused',
  'finished',
  'failed',
  'deleting',
];
