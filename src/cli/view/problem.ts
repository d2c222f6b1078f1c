/** Problems of a system in words: what is wrong, and what to do about it. */
import type { Problem, ProblemKind } from '../../core/overview.ts';
import { count } from '../screen/time.ts';

interface Wording {
  readonly check: string;
  /** What is said if there is nothing of the kind. */
  readonly good?: string;
  readonly bad: (problem: Problem) => string;
  readonly advice: string;
}

export const PROBLEMS: Readonly<Record<ProblemKind, Wording>> = {
  'no-replica-for-type': {
    check: 'types',
    good: 'Every type with tasks to run has a live replica.',
    bad: ({ subject, count: tasks }) =>
      `${count(tasks, 'task waits', 'tasks wait')} of type ${subject}, which no live replica knows.`,
    advice: 'Deploy a replica that registers the type, or delete the tasks: taskbaton delete --type …',
  },
  'no-replica-for-version': {
    check: 'versions',
    bad: ({ subject, count: tasks }) =>
      `${count(tasks, 'task waits', 'tasks wait')} of ${subject}, a version that no live replica reads.`,
    advice: 'Deploy a replica with that version, or one whose definition has an upgrade.',
  },
  'failed-cleanup': {
    check: 'cleanups',
    good: 'No cleanup has failed.',
    bad: ({ count: tasks, tasks: ids }) =>
      `${count(tasks, 'cleanup has', 'cleanups have')} failed: ${some(ids, tasks)}.`,
    advice:
      'See why: taskbaton show ID. They are tried again by themselves; taskbaton delete ID does it now.',
  },
  'stopping-too-long': {
    check: 'stopping',
    bad: ({ count: tasks, tasks: ids }) =>
      `${count(tasks, 'task has', 'tasks have')} not stopped for longer than the grace: ${some(ids, tasks)}.`,
    advice: 'Let the handler yield more often, or pass its signal to whatever it awaits.',
  },
  'blocked-loop': {
    check: 'loops',
    bad: ({ subject }) => `The event loop of ${subject} was blocked for long.`,
    advice:
      'Look for synchronous work in its handlers; a loop that is blocked longer than the lease loses its tasks.',
  },
  'lease-ending': {
    check: 'leases',
    bad: ({ subject }) => `Replica ${subject} has not renewed its lease for half of it.`,
    advice: 'It is cut off from the database, or something blocks its event loop.',
  },
  'paused-scope-with-waiting': {
    check: 'pauses',
    bad: ({ subject, count: tasks }) =>
      `${count(tasks, 'task waits', 'tasks wait')} behind the pause of ${subject.replace(':', ' ')}.`,
    advice: 'If that is over: taskbaton groups resume NAME (or users, types).',
  },
  'failed-tasks': {
    check: 'failures',
    bad: ({ count: tasks, tasks: ids }) =>
      `${count(tasks, 'task has', 'tasks have')} failed: ${some(ids, tasks)}.`,
    advice:
      'See why: taskbaton show ID. Run them again: taskbaton run ID, or all: taskbaton run --state failed',
  },
};

function some(ids: readonly number[], all: number): string {
  return `${ids.join(', ')}${all > ids.length ? ', …' : ''}`;
}

export function problemText(problem: Problem): string {
  return PROBLEMS[problem.kind].bad(problem);
}
