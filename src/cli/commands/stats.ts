/** The command that counts: where tasks are, of which type and group they are, and how old the oldest are. */
import type { ScopeCount } from '../../core/task.ts';
import { type Command, command } from '../command.ts';
import type { Line } from '../screen/line.ts';
import { span } from '../screen/time.ts';
import { scopeColumns, stateBar, stateLegend, type StateCounts, totalOf } from '../view/scope.ts';

const MOST = 12;

export const stats: Command = command({
  name: 'stats',
  section: 'Tasks',
  summary: 'Counts tasks by state, type and group, and tells how long the oldest wait.',
  about: 'It reads the whole table of tasks.',
  arguments: {},
  options: {},
  examples: ['stats', 'stats --json'],
  async run(_given, session) {
    const baton = await session.baton();
    const [types, groups, live] = [await baton.types(), await baton.groups(), await baton.replicas()];
    const states = sum(types);
    const oldest = Math.max(-1, ...types.map(({ oldestWaiting = -1 }) => oldestWaiting));
    const slots = {
      used: live.reduce((used, { running }) => used + running.length, 0),
      total: live.reduce((total, { concurrency }) => total + concurrency, 0),
    };
    const oldestWaiting = oldest < 0 ? null : oldest;
    return {
      json: { tasks: totalOf(states), states, oldestWaiting, replicas: live.length, slots, types, groups },
      show: (screen) => {
        const summary = screen.facts([
          { name: 'tasks', shown: [totalOf(states).toLocaleString('en-US')], value: totalOf(states) },
          ...(screen.live
            ? []
            : Object.entries(states).map(([name, count]) => ({ name, shown: [`${count}`], value: count }))),
          {
            name: 'oldest waiting',
            shown: [span(oldest)],
            value: oldestWaiting ?? undefined,
          },
          {
            name: 'replicas',
            shown: [`${live.length}, with ${slots.used} of ${slots.total} slots in use`],
            value: live.length,
          },
        ]);
        if (!screen.live) return [...summary, ...parts('type', types), ...parts('group', groups)];
        return [
          stateBar(states, Math.min(screen.width, 76)),
          stateLegend(states),
          [],
          ...summary,
          [],
          ...screen.table(scopeColumns('type'), types.slice(0, MOST)),
          ...rest(types, 'types'),
          [],
          ...screen.table(scopeColumns('group'), groups.slice(0, MOST)),
          ...rest(groups, 'groups'),
        ];

        function parts(kind: string, counts: readonly ScopeCount[]): readonly Line[] {
          return [[], ...screen.table(scopeColumns(kind), counts)];
        }
      },
    };
  },
});

function rest(counts: readonly ScopeCount[], name: string): readonly Line[] {
  return counts.length > MOST ? [[[`… and ${counts.length - MOST} more: taskbaton ${name}`, 'dim']]] : [];
}

function sum(counts: readonly ScopeCount[]): StateCounts {
  const all: Record<string, number> = {};
  for (const { states } of counts)
    for (const [state, tasks] of Object.entries(states)) all[state] = (all[state] ?? 0) + tasks;
  return all;
}
