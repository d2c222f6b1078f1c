/** The states of tasks: their order, and how each looks. Every one has a shape of its own, so that nobody needs its colour. */
import type { State } from '../../../src/dashboard/api.ts';
import { text } from '../text/text.ts';
import { Icon, type IconName } from './icon.tsx';

/** What moves first, what is over last. */
export const STATES: readonly State[] = [
  'running',
  'canceling',
  'pending',
  'waiting',
  'paused',
  'failed',
  'finished',
  'init',
  'deleting',
];

const ICONS: Readonly<Record<State, IconName>> = {
  running: 'run',
  canceling: 'stop',
  pending: 'pending',
  waiting: 'waiting',
  paused: 'pause',
  failed: 'cross',
  finished: 'check',
  init: 'init',
  deleting: 'delete',
};

export function StateIcon({ state }: { state: State }) {
  return (
    <span class={`state-icon state-${state}`}>
      <Icon name={ICONS[state]} />
    </span>
  );
}

export function StateBadge({ state }: { state: State }) {
  return (
    <span class={`state state-${state}`}>
      <Icon name={ICONS[state]} />
      {text().states[state]}
    </span>
  );
}
