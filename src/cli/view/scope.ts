/** Users, groups and types as a whole: how much there is of each, what runs, and what holds it up. */
import { PUBLIC_STATES, type PublicState } from '../../core/status.ts';
import type { ScopeCount } from '../../core/task.ts';
import { shares } from '../screen/bar.ts';
import type { Line, Piece } from '../screen/line.ts';
import type { Column } from '../screen/table.ts';
import { roughly } from '../screen/time.ts';
import { STATE_LOOKS } from './task.ts';

export type StateCounts = Readonly<Partial<Record<PublicState, number>>>;

/** The states that most is asked about; the others are in the bar, and in what programs get. */
const COLUMNS: readonly PublicState[] = ['pending', 'running', 'waiting', 'paused', 'finished', 'failed'];

export function totalOf(states: StateCounts): number {
  return Object.values(states).reduce((sum, tasks) => sum + tasks, 0);
}

export function stateBar(states: StateCounts, width: number): Line {
  return shares(
    PUBLIC_STATES.map((state) => ({ count: states[state] ?? 0, format: STATE_LOOKS[state][1] })),
    width,
  );
}

/** `● 3 running  ✔ 12 finished`: what there is, in its colours. */
export function stateLegend(states: StateCounts): Line {
  return PUBLIC_STATES.filter((state) => (states[state] ?? 0) > 0).flatMap((state, index): Line => {
    const [mark, format] = STATE_LOOKS[state];
    const number = (states[state] ?? 0).toLocaleString('en-US');
    return [index === 0 ? '' : '   ', [`${mark} ${number}`, format], ` ${state}`];
  });
}

function tally(value: number | undefined): Piece {
  return value === undefined || value === 0 ? ['·', 'dim'] : value.toLocaleString('en-US');
}

export function scopeColumns(kind: string): readonly Column<ScopeCount>[] {
  return [
    {
      head: kind,
      least: 8,
      cell: ({ name, paused }) => [
        name === '' ? ['(none)', 'dim'] : name,
        ...(paused ? [['  ‖ paused', 'yellow'] as const] : []),
      ],
      value: ({ name }) => name,
    },
    ...COLUMNS.map((state, index): Column<ScopeCount> => ({
      head: state,
      align: 'right',
      rank: state === 'running' || state === 'pending' ? 0 : COLUMNS.length - index,
      cell: ({ states }) => [tally(states[state])],
      value: ({ states }) => states[state] ?? 0,
    })),
    { head: 'limit', align: 'right', cell: ({ limit }) => [tally(limit)], value: ({ limit }) => limit },
    {
      head: 'oldest',
      align: 'right',
      cell: ({ oldestWaiting }) => [
        oldestWaiting === undefined ? ['·', 'dim'] : [roughly(oldestWaiting), 'dim'],
      ],
      value: ({ oldestWaiting }) => oldestWaiting,
    },
    {
      head: 'tasks',
      least: 8,
      most: 24,
      rank: 9,
      cell: ({ states }, width) => stateBar(states, Number.isFinite(width) ? width : 8),
      value: ({ states }) => totalOf(states),
    },
    { head: 'paused', programsOnly: true, cell: ({ paused }) => [`${paused}`] },
  ];
}
