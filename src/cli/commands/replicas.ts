/** Commands about the copies of the service that share in a system. */
import type { Replica } from '../../core/task.ts';
import { type Command, command } from '../command.ts';
import type { Column } from '../screen/table.ts';
import { roughly } from '../screen/time.ts';
import { leaseCell, slotsCell } from '../view/replica.ts';

export const replicas: Command = command({
  name: 'replicas',
  section: 'Replicas',
  summary: 'Shows who is alive: their leases, what they can run, and what they do.',
  arguments: {},
  options: {},
  examples: ['replicas', 'replicas --json | jq .replicas[].id'],
  async run(_given, session) {
    const list = await (await session.baton()).replicas();
    return {
      json: { replicas: list },
      show: (screen) =>
        list.length === 0 && screen.live
          ? [[['No replica is alive: nothing will run until one is started.', 'yellow']]]
          : screen.table(replicaColumns(screen.now), list),
    };
  },
});

function replicaColumns(now: number): readonly Column<Replica>[] {
  return [
    { head: 'name', least: 10, cell: ({ name }) => [name] },
    { head: 'id', rank: 2, least: 8, cell: ({ id }) => [[id, 'dim']], value: ({ id }) => id },
    {
      head: 'slots',
      cell: ({ running, concurrency }) => slotsCell(running.length, concurrency),
      value: ({ running, concurrency }) => `${running.length}/${concurrency}`,
    },
    {
      head: 'lease',
      align: 'right',
      cell: ({ leaseUntil }) => [leaseCell(leaseUntil.getTime() - now)],
      value: ({ leaseUntil }) => leaseUntil.toISOString(),
    },
    {
      head: 'up',
      align: 'right',
      rank: 3,
      cell: ({ startedAt }) => [[roughly(now - startedAt.getTime()), 'dim']],
      value: ({ startedAt }) => startedAt.toISOString(),
    },
    {
      head: 'tasks',
      least: 8,
      cell: ({ running }) => [running.length === 0 ? ['–', 'dim'] : running.map(({ id }) => id).join(' ')],
      value: ({ running }) => running.map(({ id }) => id).join(' '),
    },
    {
      head: 'types',
      least: 8,
      rank: 1,
      cell: ({ types }) => [types.length === 0 ? ['–', 'dim'] : types.join(' ')],
      value: ({ types }) => types.join(' '),
    },
  ];
}
