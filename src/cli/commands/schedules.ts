/** Commands about recurring tasks. Setting one takes code, since it belongs to the service; steering it doesn't. */
import type { Author } from '../../core/author.ts';
import type { ScheduleControl } from '../../schedule-control.ts';
import { type Command, command } from '../command.ts';
import { REASON } from '../options.ts';
import type { Session } from '../session.ts';
import { span } from '../screen/time.ts';
import { timeCell } from '../view/task.ts';

export const schedules: Command = command({
  name: 'schedules',
  section: 'Queues',
  summary: 'Shows recurring tasks: by which rule they come, and when next.',
  arguments: {},
  options: {},
  examples: ['schedules', 'schedules trigger nightly'],
  async run(_given, session) {
    const list = await (await session.schedules()).list();
    return {
      json: { schedules: list },
      show: (screen) =>
        list.length === 0 && screen.live
          ? [[['There is no schedule.', 'dim']]]
          : screen.table(
              [
                {
                  head: 'name',
                  least: 8,
                  cell: ({ name, paused }) => [name, ...(paused ? [['  ‖ paused', 'yellow'] as const] : [])],
                  value: ({ name }) => name,
                },
                { head: 'type', least: 8, rank: 3, cell: ({ type }) => [type] },
                {
                  head: 'rule',
                  least: 10,
                  cell: ({ cron, zone, every }) => [
                    cron === undefined ? `every ${span(every ?? 0)}` : `${cron} ${zone}`,
                  ],
                },
                {
                  head: 'next',
                  cell: ({ nextAt, paused }) =>
                    nextAt === undefined || paused ? [['–', 'dim']] : timeCell(nextAt, screen.now),
                  value: ({ nextAt }) => nextAt?.toISOString(),
                },
                {
                  head: 'last',
                  rank: 2,
                  cell: ({ lastAt }) =>
                    lastAt === undefined ? [['–', 'dim']] : timeCell(lastAt, screen.now).slice(1),
                  value: ({ lastAt }) => lastAt?.toISOString(),
                },
                {
                  head: 'task',
                  rank: 1,
                  align: 'right',
                  cell: ({ lastTask }) => [lastTask === undefined ? ['–', 'dim'] : `${lastTask}`],
                  value: ({ lastTask }) => lastTask,
                },
                { head: 'paused', programsOnly: true, cell: ({ paused }) => [`${paused}`] },
              ],
              list,
            ),
    };
  },
});

interface Act {
  readonly name: string;
  readonly summary: string;
  readonly done: string;
  readonly act: (schedules: ScheduleControl, name: string, options: Author) => Promise<number | void>;
}

const ACTS: readonly Act[] = [
  {
    name: 'pause',
    summary: 'Lets none of its tasks be created until it is resumed.',
    done: 'is paused',
    act: (all, name, options) => all.pause(name, options),
  },
  {
    name: 'resume',
    summary: 'Lets its tasks be created again.',
    done: 'is resumed',
    act: (all, name, options) => all.resume(name, options),
  },
  {
    name: 'trigger',
    summary: 'Creates one of its tasks now, whatever its rule and state.',
    done: 'has created task',
    act: (all, name, options) => all.trigger(name, options),
  },
  {
    name: 'delete',
    summary: 'Removes it; tasks that it has created stay.',
    done: 'is removed',
    act: (all, name, options) => all.remove(name, options),
  },
];

export const scheduleActs: readonly Command[] = ACTS.map(({ name: act, summary, done, act: apply }) =>
  command({
    name: `schedules ${act}`,
    section: 'Queues',
    summary,
    arguments: { name: { kind: 'text', about: 'The schedule.' } },
    options: { ...REASON },
    examples: [],
    async run({ name, reason }, session: Session) {
      const id = await apply(await session.schedules(), name, session.by(reason));
      const made = typeof id === 'number' ? { task: id } : {};
      return {
        json: { schedule: name, ...made },
        show: () => [[`The schedule ${name} ${done}${typeof id === 'number' ? ` ${id}` : ''}.`]],
      };
    },
  }),
);
