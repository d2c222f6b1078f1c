/** What replicas are to look at when something has been written: the hints that go with it. */
import type { WakeTopic } from '../core/connection.ts';
import { QUEUES, type UserEvent } from '../core/status.ts';
import type { NewTask } from './record.ts';
import type { FencedSettlement } from './settlement.ts';

/** What replicas should look at after a user's event. */
export const HINTS: Readonly<Record<UserEvent, readonly WakeTopic[]>> = {
  run: QUEUES,
  pause: ['tick'],
  delete: ['tick', 'cleanup'],
};

/** What replicas should look at when it was created. */
export function topicsOf({ autoRun, due }: NewTask): readonly WakeTopic[] {
  return autoRun ? [due === undefined ? 'run' : 'due'] : [];
}

/** What replicas should look at when claims have ended. */
export function endTopics(ended: readonly FencedSettlement[]): readonly WakeTopic[] {
  const yielded = ended.some(({ settlement: { event } }) => event === 'yield' || event === 'unclaim');
  const due = ended.some(({ settlement }) => settlement.due !== undefined);
  return [...(yielded ? QUEUES : []), ...(due ? (['due'] as const) : [])];
}
