/**
 * Changes of tasks: asked about where they can't be taken back or touch many, done, told, and undone where there is a
 * way back: a pause by a run, a run by a pause, a move by moving back.
 */
import type { Action, BulkRequest, TaskView } from '../../../src/dashboard/api.ts';
import { api } from '../api/client.ts';
import { ask } from '../parts/dialog.tsx';
import { tellDone, tellFailed } from '../parts/toast.tsx';
import { count } from '../text/format.ts';
import { text } from '../text/text.ts';
import { knownNames } from './names.ts';

export const ACTIONS: readonly Action[] = ['run', 'pause', 'move', 'delete'];

type Matching = Pick<BulkRequest, 'filter' | 'all'>;

/** Those of the tasks for which it makes sense. Says whether it was done. */
export async function changeTasks(action: Action, tasks: readonly TaskView[]): Promise<boolean> {
  const meant = tasks.filter(({ actions }) => actions.includes(action));
  const [first] = meant;
  if (first === undefined) return false;
  const given = await confirm(action, meant.length, meant.length === 1 ? first : undefined);
  if (given === undefined) return false;
  const ids = meant.map(({ id }) => id);
  return perform(async () => {
    if (meant.length === 1) await api.change(first.id, action, given);
    else await api.bulk({ change: action, ids, ...given });
    tellDone(doneWords(action, meant.length, first.id, given.group), undo(action, meant));
  });
}

/** All that match, however many they are; there is no way back. */
export async function changeMatching(action: Action, matching: Matching): Promise<boolean> {
  const given = await confirm(action, Number.POSITIVE_INFINITY);
  if (given === undefined) return false;
  return perform(async () => {
    const { changed } = await api.bulk({ change: action, ...matching, ...given });
    tellDone(text().change.doneMany[action](count(changed), given.group ?? ''));
  });
}

async function perform(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    tellFailed(error);
    return false;
  }
}

interface Given {
  readonly group?: string;
  readonly reason?: string;
}

async function confirm(action: Action, tasks: number, only?: TaskView): Promise<Given | undefined> {
  if (only !== undefined && (action === 'run' || action === 'pause')) return {};
  const words = text().change;
  const whom =
    only === undefined
      ? words.many(tasks === Number.POSITIVE_INFINITY ? words.all : count(tasks))
      : `#${only.id}`;
  const answer = await ask({
    title: words.title[action](whom),
    action: text().actions[action],
    danger: action === 'delete',
    reason: true,
    ...(action === 'delete' ? { detail: words.deleteDetail } : {}),
    ...(action === 'move'
      ? { field: { label: words.group, value: only?.group ?? '', options: knownNames.value.groups } }
      : {}),
  });
  if (answer === undefined) return undefined;
  return {
    ...(action === 'move' ? { group: answer.value } : {}),
    ...(answer.reason === '' ? {} : { reason: answer.reason }),
  };
}

function doneWords(action: Action, tasks: number, id: number, group = ''): string {
  const words = text().change;
  return tasks === 1 ? words.doneOne[action](String(id), group) : words.doneMany[action](count(tasks), group);
}

function undo(action: Action, tasks: readonly TaskView[]): (() => Promise<void>) | undefined {
  const ids = tasks.map(({ id }) => id);
  switch (action) {
    case 'run':
      return () => back({ change: 'pause', ids });
    case 'pause':
      return () => back({ change: 'run', ids });
    case 'move': {
      const groups = Map.groupBy(tasks, ({ group }) => group);
      return async () => {
        for (const [group, members] of groups) {
          await back({ change: 'move', ids: members.map(({ id }) => id), group });
        }
      };
    }
    default:
      return undefined;
  }
}

async function back(request: BulkRequest): Promise<void> {
  await api.bulk(request);
  tellDone(text().change.undone);
}
