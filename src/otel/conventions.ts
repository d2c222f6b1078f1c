/**
 * The names by which traces and metrics go: those of OpenTelemetry's semantic conventions for messaging, a task being a
 * message and its type the destination, and ours for what those have no word for. The conventions are still in
 * development, so their names stand here and not in a package that may drop them.
 */
import type { Attributes } from '@opentelemetry/api';
import type { TracedClaim, TracedTask } from '../core/trace.ts';

export const SYSTEM = 'taskbaton';

export const METRICS = {
  created: 'messaging.client.sent.messages',
  started: 'messaging.client.consumed.messages',
  duration: 'messaging.process.duration',
  running: 'taskbaton.tasks.running',
  checkpoints: 'taskbaton.tasks.checkpoints',
  refused: 'taskbaton.tasks.writes_refused',
  abandoned: 'taskbaton.tasks.abandoned',
  rescued: 'taskbaton.tasks.rescued',
  leasesLost: 'taskbaton.replica.leases_lost',
} as const;

/** How a stint ended: with the event that the engine wrote, or without one. */
export const OUTCOME = 'taskbaton.outcome';
export const ERROR_TYPE = 'error.type';
export const STOP_REASON = 'taskbaton.stop.reason';

/** Few values, so that they can be told apart in metrics. */
export function operation(name: 'create' | 'process', type: string): Attributes {
  return {
    'messaging.system': SYSTEM,
    'messaging.operation.name': name,
    'messaging.operation.type': name,
    'messaging.destination.name': type,
  };
}

export function ownerOf({ user, group }: TracedTask): Attributes {
  return { 'taskbaton.task.user': user, 'taskbaton.task.group': group };
}

export function claimOf({ id, epoch, attempt, replica, queue }: TracedClaim): Attributes {
  return {
    'messaging.message.id': String(id),
    'taskbaton.task.epoch': epoch,
    'taskbaton.task.attempt': attempt,
    'taskbaton.replica': replica,
    'taskbaton.queue': queue,
  };
}
