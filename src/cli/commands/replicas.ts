/** Commands about the copies of the service that share in a system. */
import type { Replica } from '../../core/replica.ts';
import { TaskbatonError } from '../../core/errors.ts';
import { sleep } from '../../core/clock.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Taskbaton } from '../../taskbaton.ts';
import { type Command, command } from '../command.ts';
import { REASON } from '../options.ts';
import { usage } from '../parse.ts';
import type { Session } from '../session.ts';
import type { Column } from '../screen/table.ts';
import { roughly } from '../screen/time.ts';
import { leaseCell, nameCell, slotsCell } from '../view/replica.ts';

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

export const drain: Command = command({
  name: 'drain',
  section: 'Replicas',
  summary: 'Lets a replica take no more tasks and hand over those that it runs; its process stays.',
  about:
    'So it can be taken away, or looked at. With --undo it takes tasks again, as it does after a new start.',
  arguments: {
    replica: { kind: 'text', about: 'Its id, the beginning of one, or its name, as replicas shows them.' },
  },
  options: {
    undo: { kind: 'flag', about: 'Let it take tasks again.' },
    wait: { kind: 'flag', about: 'End when it runs nothing any more.' },
    ...REASON,
  },
  examples: ['drain web-3:812', "drain 3f17c7e8 --wait --reason 'new machine'", 'drain web-3:812 --undo'],
  async run({ replica, undo, wait, reason }, session) {
    if (undo === true && wait === true)
      throw usage('--undo is done at once; there is nothing to wait for', drain);
    const baton = await session.baton();
    const { id, name } = findReplica(await baton.replicas(), replica);
    if (undo === true) {
      await baton.undrainReplica(id, session.by(reason));
      return { json: { replica: id, draining: false }, show: () => [[`${name} takes tasks again.`]] };
    }
    await baton.drainReplica(id, session.by(reason));
    const running = wait === true ? await waitUntilEmpty(baton, id, session) : undefined;
    if (running !== undefined && running > 0)
      return { json: { replica: id, draining: true, running }, show: () => [], exit: 'interrupted' };
    const text =
      running === 0 ? `${name} runs nothing any more.` : `${name} was told to hand over its tasks.`;
    return {
      json: { replica: id, draining: true, ...(running === 0 ? { running } : {}) },
      show: () => [[text]],
    };
  },
});

const LOOK_EVERY = 250;

/** How many tasks it runs in the end: none, unless a signal came first. */
async function waitUntilEmpty(baton: Taskbaton, id: string, session: Session): Promise<number> {
  const ending = new AbortController();
  const off = session.host.onSignal(() => ending.abort());
  try {
    for (;;) {
      const running = (await baton.replicas()).find((one) => one.id === id)?.running.length ?? 0;
      if (running === 0 || ending.signal.aborted) return running;
      await sleep(systemClock, LOOK_EVERY, ending.signal);
    }
  } finally {
    off();
  }
}

/** The only one that is meant. */
function findReplica(alive: readonly Replica[], given: string): Replica {
  const exact = alive.filter(({ id, name }) => id === given || name === given);
  const found = exact.length > 0 ? exact : alive.filter(({ id }) => id.startsWith(given));
  const [first, ...others] = found;
  if (first === undefined) throw new TaskbatonError('REPLICA_NOT_FOUND', { id: given });
  if (others.length > 0) throw usage(`${given} is the beginning of ${found.length} ids`, drain);
  return first;
}

function replicaColumns(now: number): readonly Column<Replica>[] {
  return [
    { head: 'name', least: 10, cell: nameCell, value: ({ name }) => name },
    { head: 'id', rank: 2, least: 8, cell: ({ id }) => [[id, 'dim']], value: ({ id }) => id },
    {
      head: 'slots',
      cell: ({ running, concurrency }) => slotsCell(running.length, concurrency),
      value: ({ running, concurrency }) => `${running.length}/${concurrency}`,
    },
    {
      head: 'lease',
      align: 'right',
      cell: ({ leaseLeft }) => [leaseCell(leaseLeft)],
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
    { head: 'blocked', programsOnly: true, cell: ({ blocked }) => [`${blocked}`] },
    { head: 'draining', programsOnly: true, cell: ({ draining }) => [`${draining}`] },
  ];
}
