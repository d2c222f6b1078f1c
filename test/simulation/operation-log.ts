/**
 * What users asked for in a run, and what they were told. What was acknowledged must have held at some moment between question
 * and answer; what was refused must have made no sense at one; and nobody's task changes by an operation that nobody asked for.
 */
import { isTaskbatonError } from '../../src/core/errors.ts';
import { markOf, STATUS, type Status, transition, type UserEvent } from '../../src/core/status.ts';
import type { Operation } from './schedule.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export interface LoggedOperation {
  readonly operation: Operation;
  /** The number of the last commit before it was asked for. */
  readonly since: number;
  /** Of the task it is about, if it is about one. */
  readonly id: number | undefined;
  /** Through which process. */
  readonly process: SimulatedProcess;
  state: 'open' | 'done' | 'refused' | 'unknown';
}

/** What a task was like from a commit on; undefined once it was gone. */
export interface Moment {
  readonly commit: number;
  readonly status: Status | undefined;
  readonly group: string;
}

/** What became of an operation by an error: whoever gets no answer knows nothing. */
export function stateAfter(error: unknown): LoggedOperation['state'] {
  return isTaskbatonError(error, 'DATABASE_UNAVAILABLE') ? 'unknown' : 'refused';
}

/** Whether it may still have an effect, or an effect just now. */
export function isOpen({ state }: LoggedOperation): boolean {
  return state === 'open' || state === 'unknown';
}

/** Whether the operation can be the cause of `event` for such a task. */
export function causes(
  { operation, id }: LoggedOperation,
  event: UserEvent,
  task: { readonly id: number; readonly group: string },
): boolean {
  switch (operation.kind) {
    case 'run':
    case 'pause':
    case 'delete':
      return operation.kind === event && id === task.id;
    case 'run all':
    case 'pause all':
    case 'delete all':
      return operation.kind === `${event} all` && operation.group === task.group;
    case 'pause group':
      return event === 'pause' && operation.running && operation.group === task.group;
    case 'resume group':
      return event === 'run' && operation.group === task.group;
    default:
      return false;
  }
}

/** What is wrong with an acknowledgement, given what the task was like since it was asked for; undefined if nothing is. */
export function wrongAcknowledgement(
  { operation }: LoggedOperation,
  moments: readonly Moment[],
): string | undefined {
  const { kind } = operation;
  const holds = ({ status, group }: Moment): boolean => {
    if (kind === 'move') return status === undefined || group === operation.group;
    if (status === undefined) return kind === 'delete';
    const mark = markOf(status);
    if (kind === 'run')
      return mark === 'run' && (STATUS[status].waits ?? STATUS[status].leased) !== undefined;
    return mark === kind;
  };
  if (kind !== 'run' && kind !== 'pause' && kind !== 'delete' && kind !== 'move') return undefined;
  return moments.some(holds) ? undefined : `"${kind}" was acknowledged and never held`;
}

/** The same for a refusal. */
export function wrongRefusal(
  { operation }: LoggedOperation,
  moments: readonly Moment[],
  error: unknown,
): string | undefined {
  const { kind } = operation;
  if (isTaskbatonError(error, 'DATABASE_UNAVAILABLE', 'DATABASE_BUSY', 'NOT_RUNNING')) return undefined;
  if (isTaskbatonError(error, 'TASK_NOT_FOUND') && moments.some(({ status }) => status === undefined))
    return undefined;
  const senseless = ({ status }: Moment): boolean =>
    status !== undefined && transition(status, kind as UserEvent) === undefined;
  if (isTaskbatonError(error, 'STATE_CONFLICT') && moments.some(senseless)) return undefined;
  return `"${kind}" was refused although it made sense: ${String(error)}`;
}
