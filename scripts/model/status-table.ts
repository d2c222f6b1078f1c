/**
 * `model/status.pml`: the status table as Promela, so that the formal model moves tasks by the very table the product
 * moves them by. Every constant and every arrow comes from `src/core/status.ts`.
 */
import {
  type Event,
  EVENTS,
  LEASED,
  markOf,
  removable,
  STATUS,
  type Status,
  STATUSES,
  type Target,
  transition,
} from '../../src/core/status.ts';

const HEAD = `/*
 * The life of a task: what follows what, who is held by a replica, who waits where. Made from src/core/status.ts by
 * \`npm run docs\`; whatever is changed here is overwritten.
 */
`;

/** Behind these come the statuses and the events. */
const NOWHERE = 'NOWHERE';
const REMOVED = 'REMOVED';

export function statusModel(): string {
  const numbers = [NOWHERE, REMOVED, ...STATUSES.map(constant)];
  return [
    HEAD,
    ...numbers.map((name, index) => `#define ${name} ${index}`),
    '',
    ...EVENTS.map((event, index) => `#define ${eventName(event)} ${index + 1}`),
    '',
    '/* Where an event leads from a status; NOWHERE if it is refused. */',
    ...EVENTS.map((event) => `#define AFTER_${eventName(event)}(s) ${choice(targets(event), NOWHERE)}`),
    `#define AFTER(event, s) ${choice(
      EVENTS.map((event) => [`(event) == ${eventName(event)}`, `AFTER_${eventName(event)}(s)`] as const),
      NOWHERE,
    )}`,
    '',
    ...Object.entries(SETS).map(
      ([name, belongs]) => `#define ${name}(s) ${among(STATUSES.filter((status) => belongs(status)))}`,
    ),
    '',
  ].join('\n');
}

/** Sets of statuses that the model asks for. */
const SETS: Readonly<Record<string, (status: Status) => boolean>> = {
  IS_LEASED: (status) => LEASED.includes(status),
  WAITS_TO_RUN: (status) => STATUS[status].waits?.queue === 'run',
  WAITS_FOR_CLEANUP: (status) => STATUS[status].waits?.queue === 'cleanup',
  IS_MARKED_DELETE: (status) => markOf(status) === 'delete',
  IS_MARKED_PAUSE: (status) => markOf(status) === 'pause',
  IS_REMOVABLE: removable,
};

function targets(event: Event): readonly (readonly [condition: string, value: string])[] {
  return STATUSES.flatMap((from) => {
    const to = transition(from, event);
    return to === undefined ? [] : [[`(s) == ${constant(from)}`, constant(to)] as const];
  });
}

/** As nested conditional expressions, which Promela wants in parentheses. */
function choice(cases: readonly (readonly [condition: string, value: string])[], otherwise: string): string {
  const open = cases.map(([condition, value]) => `(${condition} -> ${value} : `).join('');
  return `${open}${otherwise}${')'.repeat(cases.length)}`;
}

function among(statuses: readonly Status[]): string {
  return `(${statuses.map((status) => `(s) == ${constant(status)}`).join(' || ')})`;
}

function constant(target: Target): string {
  return target === 'removed' ? REMOVED : target.replace('/', '_').toUpperCase();
}

function eventName(event: Event): string {
  return event.toUpperCase();
}
