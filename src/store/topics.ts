/** What replicas are to look at when something has been written: the hints that go with it. */
import type { WakeTopic } from '../core/connection.ts';
import type { UserEvent } from '../core/status.ts';
import type { NewTask } from './record.ts';
import type { FencedSettlement } from './settlement.ts';

/** What replicas should look at after a user's event. */
export const HINTS: Readonly<Record<UserEvent, readonly WakeTopic[]>> = {
  run: ['claim'],
  pause: ['tick'],
  delete: ['tick', 'claim'],
};

/** What replicas should look at when it was created. */
export function topicsOf({ autoRun, due }: NewTask): readonly WakeTopic[] {
  return autoRun ? [due === undefined ? 'claim' : 'due'] : [];
}

/** What replicas should look at when claims have ended. */
export function endTopics(ended: readonly FencedSettlement[]): readonly WakeTopic[] {
  const claim = ended.some(({ settlement }) => settlement.event === 'yield');
  const due = ended.some(({ settlement }) => settlement.due !== undefined);
  return [...(claim ? (['claim'] as const) : []), ...(due ? (['due'] as const) : [])];
}
